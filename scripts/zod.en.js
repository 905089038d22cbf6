// What the bundler puts in the place of "zod": what we use of it, without its 50 locales (250 KB).
import * as z from "./zod.en.js";

export * from "../node_modules/zod/v4/classic/checks.js";
export * as coerce from "../node_modules/zod/v4/classic/coerce.js";
export * from "../node_modules/zod/v4/classic/compat.js";
export * from "../node_modules/zod/v4/classic/errors.js";
export * as iso from "../node_modules/zod/v4/classic/iso.js";
export * from "../node_modules/zod/v4/classic/parse.js";
export * from "../node_modules/zod/v4/classic/schemas.js";
export { $brand, config, NEVER } from "../node_modules/zod/v4/core/core.js";
export { globalRegistry, registry } from "../node_modules/zod/v4/core/registries.js";
export { z };
