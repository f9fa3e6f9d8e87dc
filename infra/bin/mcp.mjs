#!/usr/bin/env node
import { launch } from "./launch.mjs";

await launch(new URL("../../cli/main.ts", import.meta.url));
