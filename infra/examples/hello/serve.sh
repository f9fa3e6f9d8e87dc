# Serves one page on $PORT. As process 1 it gets SIGTERM only through a trap, and its end is the container's.
set -eu
trap 'exit 0' TERM INT
busybox=/bin/busybox
$busybox mkdir -p /www
cat_page() {
  echo "<!doctype html>"
  echo "<title>hello</title>"
  echo "<h1>Hello from Metacircular</h1>"
  echo "<p>service hello, version ${VERSION}, instance $($busybox hostname)</p>"
}
cat_page > /www/index.html
echo "hello ${VERSION} listens on 0.0.0.0:${PORT}"
$busybox httpd -f -v -p "0.0.0.0:${PORT}" -h /www &
wait
