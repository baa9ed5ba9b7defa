// Chapter 1: what can be learnt from images with labels, and what from images alone?
//
// The default run trains a convolutional classifier, which is discriminative: it learns p(label |
// image) and nothing about the images themselves. Its training is the loop in train(). The models
// that describe the images, and so can draw them, are in tutorials/models; experiments/ compares.
#include "autograd/engine.h"
#include "commands.h"
#include "experiments/experiments.h"
#include "models/drawing.h"
#include "nn/data/loader.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "options.h"
#include "testing.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/experiment.h"
#include "tutorials/common/inspect_data.h"
#include "tutorials/common/report.h"
#include "tutorials/common/run.h"
#include "tutorials/common/splits.h"

namespace forger::generative {
namespace {

int train(TrainOptions& options, std::vector<tutorials::Option>& table) {
  tutorials::Run run(kChapter, options.run, table);
  const tutorials::Splits sets = tutorials::split(run.load_images(), options.run.data, run.seed());
  const auto network = options.network(static_cast<int64_t>(sets.train.class_names.size()));
  tutorials::check_batch_size(options.run.batch_size, sets.train);
  nn::seed_init(run.seed());
  tutorials::Classifier C(network);
  nn::Adam optimizer(C, {.lr = options.lr});
  nn::Loader loader(sets.train, options.run.batch_size, run.seed());
  const auto drawings = [&] {
    return tutorials::contact_sheet(draw_by_gradient(C, network).images, kDrawingsPerClass);
  };

  // These tensors, the options and the position of the loader are the whole state of a run.
  run.begin({{"C.", C.state()}, {"optimizer.", optimizer.state()}}, {&C}, loader);
  if (run.is_new()) run.save(drawings());
  while (run.next_step()) {
    // The classifier gives each class a logit; their softmax is p(label | image). Its loss is the
    // mean of -log p of the right label.
    optimizer.lr = nn::exponential_lr(options.lr, loader.epoch(), options.decay);
    const int64_t batch = loader.batch();
    const auto [images, labels] = loader.next();
    const Tensor logits = C(images);
    const Tensor loss = softmax_cross_entropy(logits, labels);
    optimizer.zero_grad();
    backward(loss, C.parameters());
    optimizer.step();

    run.log({{"loss", loss.item()},
             {"accuracy", tutorials::accuracy(logits, labels)},
             {"held-out", held_out_accuracy(C, sets.held_out, batch)}});
    if (run.save_is_due()) run.save(drawings());
  }
  const int status = run.end();
  if (status == 0) print_test(C, network, sets.test);
  return status;
}

constexpr const char* kNotes =
    "While it runs, a table tells\n"
    "  epoch     the pass over the data\n"
    "  step      the training steps\n"
    "  images/s  images that the classifier learnt from, per second\n"
    "  ETA       the time left\n"
    "  loss      cross entropy of the step's batch: 2.303 (log 10) when ten classes can\n"
    "            only be guessed, 0 when every label is right and sure\n"
    "  accuracy  share of the batch that was labelled correctly, before the update\n"
    "  held-out  the same for images that the training never sees\n"
    "A twelfth of the images is held out. At the end the test images are labelled.\n"
    "\n"
    "The pictures in samples/ are what the classifier draws if noise is changed until\n"
    "it is sure of a class: one row of eight for each class.\n"
    "\n"
    "The run's folder holds report.html, samples/, metrics.csv, checkpoint.safetensors\n"
    "and run.json. Ctrl-C saves and ends; --resume goes on.\n";

int run(int argc, char** argv) {
  TrainOptions train_values;
  TestOptions test_values;
  WeightsOptions weights_values;
  tutorials::ExperimentOptions experiment_values;
  tutorials::InspectOptions inspect_values;
  std::vector<tutorials::Command> commands = {
      {"train", "trains a classifier; what happens when no command is given", kNotes,
       train_options(train_values)},
      {"test", "labels the test images with a trained classifier", "", test_options(test_values)},
      {"weights", "writes the weights of a trained classifier alone", "",
       weights_options(weights_values)},
      tutorials::experiment_command(experiment_values),
      {"inspect-data", "tells what is in the data, without training", "",
       tutorials::inspect_options(inspect_values)}};
  switch (tutorials::parse_command_line(
      argc, argv, "Chapter 1: a classifier, and models that can draw.", commands)) {
    case 0:
      return train(train_values, commands[0].options);
    case 1:
      return test(test_values);
    case 2:
      return weights(weights_values);
    case 3:
      return tutorials::run_experiment(experiment_values, commands[3].options, experiments());
    case 4:
      return tutorials::inspect_data(inspect_values);
    default:
      return 0;
  }
}

}  // namespace
}  // namespace forger::generative

int main(int argc, char** argv) {
  return forger::tutorials::report_errors(argc, argv, forger::generative::run);
}
