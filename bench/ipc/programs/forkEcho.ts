// The child of `BareFork`. It ends with its channel.
process.on('message', (message) => process.send?.(message));
process.send?.('ready');
