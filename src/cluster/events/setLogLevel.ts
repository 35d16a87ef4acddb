/** Serves `setLogLevel`: changes how much this process logs. A level that the logger does not know is refused by it. */
export const setLogLevel =
  (logger: { level: string }) =>
  ({ level }: { level: string }): undefined => {
    logger.level = level;
  };
