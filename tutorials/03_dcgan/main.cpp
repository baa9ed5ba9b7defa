// Chapter 3: a DCGAN (Radford et al. 2015, arXiv 1511.06434) learns to draw what it sees.
//
// Two networks play against each other (Goodfellow et al. 2014, arXiv 1406.2661). G, the forger,
// makes an image from a random vector z. D, the police, decides whether an image is real. D learns
// from both kinds of images, G from D's verdict on its forgeries. The game is the loop in train().
#include <cmath>

#include "autograd/engine.h"
#include "autograd/random.h"
#include "commands.h"
#include "networks.h"
#include "nn/data/loader.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "options.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/experiment.h"
#include "tutorials/common/inspect_data.h"
#include "tutorials/common/report.h"
#include "tutorials/common/run.h"

namespace forger::dcgan {
namespace {

constexpr int64_t kSamples = 64;

/// The probability that D gives to "real", averaged over a batch.
double mean_probability(const Tensor& logits) { return mean(sigmoid(logits.detach())).item(); }

int train(TrainOptions& options, std::vector<tutorials::Option>& table) {
  tutorials::Run run(kChapter, options.run, table);
  const nn::ImageSet& images = run.load_images();
  nn::seed_init(run.seed());
  Generator G(options.network());
  Discriminator D(options.network());
  nn::dcgan_init(G, nn::init_random());
  nn::dcgan_init(D, nn::init_random());
  nn::Adam opt_g(G, {.lr = options.lr, .beta1 = options.beta1});
  nn::Adam opt_d(D, {.lr = options.lr, .beta1 = options.beta1});
  nn::Loader loader(images, options.run.batch_size, run.seed());
  Random latent(run.seed(), kTrainingStream);
  const Tensor sample_z =
      Random(run.seed(), kSampleStream).normal({kSamples, options.latent, 1, 1});

  // These tensors, the options and the position of loader and latent are the whole state of a run.
  run.begin(
      {{"G.", G.state()}, {"D.", D.state()}, {"opt_g.", opt_g.state()}, {"opt_d.", opt_d.state()}},
      {&G, &D}, loader, &latent);
  if (run.is_new()) run.save(tutorials::contact_sheet(tutorials::draw(G, sample_z)));
  while (run.next_step()) {
    const Tensor real = loader.next().images;
    const Tensor z = latent.normal({options.run.batch_size, options.latent, 1, 1});

    // listing: step
    // D should return 1 for real images and 0 for those of G. detach() cuts the graph at the image:
    // this loss must not reach G. Each kind passes through D on its own, with its own batch
    // statistics.
    const Tensor fake = G(z);
    const Tensor on_real = D(real);
    const Tensor on_fake = D(fake.detach());
    const Tensor loss_d = bce_with_logits(on_real, 1.0) + bce_with_logits(on_fake, 0.0);
    opt_d.zero_grad();
    backward(loss_d, D.parameters());
    opt_d.step();

    // G should make D return 1. The gradient flows back through D into G, and only G's gradients
    // are requested. The loss is -log D(G(z)): log(1 - D(G(z))) is nearly flat where D is sure, and
    // that is where an untrained G needs a slope (Goodfellow et al. 2014, section 3).
    const Tensor loss_g = bce_with_logits(D(fake), 1.0);
    opt_g.zero_grad();
    backward(loss_g, G.parameters());
    opt_g.step();
    // end of listing

    run.log({{"loss_D", loss_d.item()},
             {"loss_G", loss_g.item()},
             {"D(x)", mean_probability(on_real)},
             {"D(G(z))", mean_probability(on_fake)},
             {"grad_norm_D", nn::clip_grad_norm(D, INFINITY), false},
             {"grad_norm_G", nn::clip_grad_norm(G, INFINITY), false}});
    if (run.save_is_due()) run.save(tutorials::contact_sheet(tutorials::draw(G, sample_z)));
  }
  return run.end();
}

constexpr const char* kNotes =
    "While it runs, a table tells\n"
    "  epoch     the pass over the data\n"
    "  step      the training steps; each updates D once and G once\n"
    "  images/s  real images that D saw, per second\n"
    "  ETA       the time left\n"
    "  loss_D    cross entropy of D on real images plus that on G's: 1.386 (2 log 2)\n"
    "            when D can only guess, 0 when it is always right and sure\n"
    "  loss_G    cross entropy of D on G's images, had they been real: 0.693 (log 2)\n"
    "            when D can only guess, more the surer D is that they are not\n"
    "  D(x)      the probability that D gives to real images of being real, on average\n"
    "  D(G(z))   the same for G's images, before this step's updates\n"
    "Neither loss measures quality: each falls when the other network gets worse.\n"
    "Look at the samples.\n"
    "\n"
    "The run's folder holds report.html, samples/ (always of the same random vectors),\n"
    "metrics.csv, checkpoint.safetensors and run.json. --resume goes on after Ctrl-C.\n";

int run(int argc, char** argv) {
  TrainOptions train_values;
  tutorials::GenerateOptions generate_values;
  tutorials::InterpolateOptions interpolate_values;
  tutorials::InspectOptions inspect_values;
  tutorials::ExperimentOptions experiment_values;
  std::vector<tutorials::Command> commands = {
      {"train", "trains a DCGAN; what happens when no command is given", kNotes,
       train_options(train_values)},
      {"generate", "writes images of a trained G as an IDX file and a PNG grid", "",
       tutorials::generate_options(generate_values, kChapter)},
      {"interpolate", "writes a PNG of steps from one random vector to another", "",
       tutorials::interpolate_options(interpolate_values, kChapter)},
      {"inspect-data", "tells what is in the data, without training", "",
       tutorials::inspect_options(inspect_values)},
      tutorials::experiment_command(experiment_values)};
  switch (tutorials::parse_command_line(
      argc, argv, "Chapter 3: a DCGAN learns to draw what it sees.", commands)) {
    case 0:
      return train(train_values, commands[0].options);
    case 1:
      return generate(generate_values);
    case 2:
      return interpolate(interpolate_values);
    case 3:
      return tutorials::inspect_data(inspect_values);
    case 4:
      return tutorials::run_experiment(experiment_values, commands[4].options, {});
    default:
      return 0;
  }
}

}  // namespace
}  // namespace forger::dcgan

int main(int argc, char** argv) {
  return forger::tutorials::report_errors(argc, argv, forger::dcgan::run);
}
