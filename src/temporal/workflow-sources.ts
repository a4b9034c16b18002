/** What a bundle of the workflows is made of. */
export const WORKFLOW_SOURCES = {
  workflowsPath: require.resolve('../../workflows/index'),
  workflowInterceptorModules: [require.resolve('../../workflows/run/interceptors')],
};
