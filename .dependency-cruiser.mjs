export default { forbidden: [], options: { parser: "swc", tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' } } };
