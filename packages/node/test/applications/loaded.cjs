// Prints which packages have been loaded before the application asks for any.
const files = Object.keys(require.cache).filter((file) => file.includes("node_modules"));
const names = files.map((file) => /node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)(?!.*node_modules)/.exec(file)[1]);
console.log(JSON.stringify([...new Set(names)]));
