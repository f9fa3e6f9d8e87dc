import type { OperationName } from "../domain/operation.ts";
import { appendUpload } from "../routes/append-upload.ts";
import { cancelUpload } from "../routes/cancel-upload.ts";
import { checkVersion } from "../routes/check-version.ts";
import { deleteBlob } from "../routes/delete-blob.ts";
import { deleteManifest } from "../routes/delete-manifest.ts";
import { finishUpload } from "../routes/finish-upload.ts";
import { getBlob } from "../routes/get-blob.ts";
import { getManifest } from "../routes/get-manifest.ts";
import { getUpload } from "../routes/get-upload.ts";
import { listCatalog } from "../routes/list-catalog.ts";
import { listReferrers } from "../routes/list-referrers.ts";
import { listTags } from "../routes/list-tags.ts";
import { putManifest } from "../routes/put-manifest.ts";
import { startUpload } from "../routes/start-upload.ts";
import type { RegistryHandler } from "./registry-call.ts";

/** Who answers which operation. Tokens are issued before anybody is known, so that operation is served elsewhere. */
export const handlers: Readonly<Record<OperationName, RegistryHandler>> = {
  "check-version": checkVersion,
  "list-catalog": listCatalog,
  "list-tags": listTags,
  "list-referrers": listReferrers,
  "start-upload": startUpload,
  "get-upload": getUpload,
  "append-upload": appendUpload,
  "finish-upload": finishUpload,
  "cancel-upload": cancelUpload,
  "get-blob": getBlob,
  "delete-blob": deleteBlob,
  "get-manifest": getManifest,
  "put-manifest": putManifest,
  "delete-manifest": deleteManifest,
};
