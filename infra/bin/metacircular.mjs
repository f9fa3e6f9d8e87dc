#!/usr/bin/env node
import { launch } from "./launch.mjs";

await launch(new URL("../metacircular.ts", import.meta.url));
