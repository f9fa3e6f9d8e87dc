import type { CommandHandler } from "../world.ts";
import { changeState } from "./change-state.ts";

/** Starts a stopped service. */
export const start: CommandHandler = changeState("start");
