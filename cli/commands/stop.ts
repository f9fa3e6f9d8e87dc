import type { CommandHandler } from "../world.ts";
import { changeState } from "./change-state.ts";

/** Stops a service: its routes and names go, its containers stop. */
export const stop: CommandHandler = changeState("stop");
