// Chapter 2: the GAN as it was first published (Goodfellow et al. 2014, arXiv 1406.2661).
//
// G makes examples from random vectors z. D gives the probability that an example is real. Each is
// a small perceptron, so that the whole game can be seen: in the plane, or on images.
#include <cstdint>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "commands.h"
#include "experiments/experiments.h"
#include "models/losses.h"
#include "models/mlp.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "options.h"
#include "real.h"
#include "tutorials/common/experiment.h"
#include "tutorials/common/inspect_data.h"
#include "tutorials/common/report.h"
#include "tutorials/common/run.h"

namespace forger::vanilla {
namespace {

int train(TrainOptions& options, std::vector<tutorials::Option>& table) {
  complete(options, table);
  tutorials::Run run(kChapter, options.run, table);
  const GeneratorLoss loss = options.generator_loss();
  RealExamples data(options, run);
  nn::seed_init(run.seed());
  Mlp G("G", options.generator(data.dimensions()));
  Mlp D("D", options.discriminator(data.dimensions()));
  nn::Adam opt_g(G, {.lr = options.lr, .beta1 = options.beta1});
  nn::Adam opt_d(D, {.lr = options.lr, .beta1 = options.beta1});
  Random random(run.seed(), kTrainingStream);

  // These tensors, the options, and the position of the random numbers and of the images are the
  // whole state of a run.
  data.begin(
      run,
      {{"G.", G.state()}, {"D.", D.state()}, {"opt_g.", opt_g.state()}, {"opt_d.", opt_d.state()}},
      {&G, &D}, random);
  if (run.is_new()) run.save(picture(G, D, data, options, run.step()));
  while (run.next_step()) {
    opt_g.lr = opt_d.lr = options.lr_at(run.step());
    const Tensor real = data.next(random);
    const Tensor z = random.normal({options.run.batch_size, options.latent});

    // listing: step
    // D's turn. detach() makes the fakes constants: G has no part in it.
    const Tensor fake = G(z);
    const Tensor on_real = D(real), on_fake = D(fake.detach());
    const Tensor loss_d = discriminator_loss(on_real, on_fake);
    opt_d.zero_grad();
    backward(options.r1 > 0 ? loss_d + r1_penalty(D, real, options.r1) : loss_d, D.parameters());
    opt_d.step();

    // G's turn. The gradient goes back through D, which has just moved, to the examples, and from
    // there into G.
    const Tensor loss_g = generator_loss(D(fake), loss);
    opt_g.zero_grad();
    backward(loss_g, G.parameters());
    opt_g.step();
    // end of listing

    tutorials::Metrics metrics = {{"loss_D", loss_d.item()},
                                  {"loss_G", loss_g.item()},
                                  {"D(x)", mean(sigmoid(on_real.detach())).item()},
                                  {"D(G(z))", mean(sigmoid(on_fake.detach())).item()}};
    if (data.plane() != nullptr && data.plane()->modes() > 0) {
      const auto lost = static_cast<int64_t>(data.plane()->lost_modes(fake).size());
      metrics.push_back({"modes", static_cast<double>(data.plane()->modes() - lost)});
    }
    run.log(metrics);
    if (run.save_is_due()) run.save(picture(G, D, data, options, run.step()));
  }
  const int status = run.end();
  if (status == 0 && data.plane() != nullptr) {
    data.plane()->print_score(G, options.latent, Random(run.seed(), kGenerateStream));
  }
  return status;
}

constexpr const char* kNotes =
    "While it runs, a table tells\n"
    "  step      the training steps; each updates D once and G once\n"
    "  ETA       the time left\n"
    "  loss_D    cross entropy of D on real examples plus that on G's: 1.386 (2 log 2)\n"
    "            when D can only guess, 0 when it is always right and sure\n"
    "  loss_G    what G minimises: see --loss\n"
    "  D(x)      the probability that D gives to real examples of being real, on average\n"
    "  D(G(z))   the same for G's examples, before this step's updates\n"
    "  modes     of a ring or grid: the modes that hold 1 % of the step's fakes within\n"
    "            3 standard deviations\n"
    "\n"
    "A picture in samples/ shows D's probability as a surface, blue where D believes that\n"
    "a point is real and orange where it does not, real points in blue, G's in orange, and\n"
    "arrows along which G's loss asks its points to move. samples.gif shows all of them.\n"
    "\n"
    "--resume --fork FOLDER --at STEP continues a kept checkpoint with other options.\n";

int run(int argc, char** argv) {
  TrainOptions train_values;
  tutorials::GenerateOptions generate_values;
  tutorials::InspectOptions inspect_values;
  tutorials::ExperimentOptions experiment_values;
  std::vector<tutorials::Command> commands = {
      {"train", "trains a GAN; what happens when no command is given", kNotes,
       train_options(train_values)},
      {"generate", "writes points of a trained G as a CSV file, or images as an IDX file", "",
       tutorials::generate_options(generate_values, kChapter, "points or images",
                                   "points.csv, or its images-idx*-ubyte and grid.png,")},
      {"inspect-data", "tells what is in the images of --target images", "",
       tutorials::inspect_options(inspect_values)},
      tutorials::experiment_command(experiment_values)};
  switch (tutorials::parse_command_line(
      argc, argv, "Chapter 2: the GAN, in the plane and on images.", commands)) {
    case 0:
      return train(train_values, commands[0].options);
    case 1:
      return generate(generate_values);
    case 2:
      return tutorials::inspect_data(inspect_values);
    case 3:
      return tutorials::run_experiment(experiment_values, commands[3].options, experiments());
    default:
      return 0;
  }
}

}  // namespace
}  // namespace forger::vanilla

int main(int argc, char** argv) {
  return forger::tutorials::report_errors(argc, argv, forger::vanilla::run);
}
