import type { CommandHandler } from "../world.ts";
import { changeState } from "./change-state.ts";

/** Restarts the containers of a service in place. */
export const restart: CommandHandler = changeState("restart");
