// The parameters of a model as the next cycle begins with them.
async ([url, modelName]) => {
  const syft = new sw.Syft({ url });
  const { model, error } = await syft.newJob({ modelName }).request();
  if (error) throw error;
  const weights = await model.params[0].array();
  await syft.close();
  return weights;
};
