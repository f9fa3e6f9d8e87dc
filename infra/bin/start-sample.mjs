#!/usr/bin/env node
import { launch } from "./launch.mjs";

await launch(new URL("../start-sample.ts", import.meta.url));
