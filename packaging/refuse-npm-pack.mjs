// `npm pack` would take what happens to lie here: no program, or an old one.
console.error('npm pack makes no package of this project that works. Run: npm run package -- --only npm');
process.exitCode = 1;
