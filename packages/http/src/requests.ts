export type { RequestMetersOptions } from "./requests/start-request-meters.ts";
export { startRequestMeters } from "./requests/start-request-meters.ts";
export type { FetchTracking, ServerAnswer, ServerRequest } from "./requests/track-request.ts";
export { routeOf, setRoute, trackFetch, trackRequest } from "./requests/track-request.ts";
