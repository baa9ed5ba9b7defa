// Chapter 3: a DCGAN (Radford et al. 2015, arXiv 1511.06434) learns to draw what it sees.
//
// Two networks play against each other (Goodfellow et al. 2014, arXiv 1406.2661). G, the forger,
// makes an image from a random vector z. D, the police, decides whether an image is real. D learns
// from both kinds of images, G from D's verdict on its forgeries. The game is the loop in train().
#include <omp.h>

#include <cstdio>
#include <cstring>

#include "autograd/engine.h"
#include "autograd/random.h"
#include "commands.h"
#include "networks.h"
#include "nn/data/loader.h"
#include "nn/file.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "nn/state.h"
#include "options.h"
#include "setup.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/progress.h"
#include "tutorials/common/report.h"
#include "tutorials/common/run_folder.h"
#include "tutorials/common/stop_signal.h"

namespace forger::dcgan {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSamples = 64, kSampleColumns = 8;
constexpr const char* kMetricsHeader = "step,epoch,loss_D,loss_G,D_x,D_G_z";

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
    "The run's folder holds samples/ (always of the same random vectors), metrics.csv,\n"
    "checkpoint.safetensors and run.json. Ctrl-C saves and ends; --resume goes on.\n";

/// The probability that D gives to "real", averaged over a batch.
double mean_probability(const Tensor& logits) { return mean(sigmoid(logits.detach())).item(); }

int train(TrainOptions& options, const std::vector<tutorials::Option>& given) {
  Position position;
  const nn::Checkpoint checkpoint = prepare(options, given, position);
  const fs::path folder = options.out, checkpoint_path = tutorials::checkpoint_path(folder);
  const auto seed = static_cast<uint64_t>(options.seed);
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const tutorials::Data data = tutorials::load_data(options.data, seed);
  check_data(options, data, position);

  nn::seed_init(seed);
  Generator G(options.network());
  Discriminator D(options.network());
  nn::dcgan_init(G, nn::init_random());
  nn::dcgan_init(D, nn::init_random());
  nn::Adam opt_g(G, {.lr = options.lr, .beta1 = options.beta1});
  nn::Adam opt_d(D, {.lr = options.lr, .beta1 = options.beta1});
  nn::Loader loader(data.images, options.batch_size, seed);
  Random latent(seed, kTrainingStream);

  // These tensors, the options and the position are the whole state of a run. They are saved, and
  // --resume restores them.
  const std::pair<const char*, nn::NamedTensors> parts[] = {
      {"G.", G.state()}, {"D.", D.state()}, {"opt_g.", opt_g.state()}, {"opt_d.", opt_d.state()}};
  if (options.resume) {
    for (const auto& [prefix, tensors] : parts) {
      nn::restore(checkpoint, prefix, tensors, checkpoint_path.string(), {});
    }
    seek(loader, position, checkpoint_path.string());
    latent.set_counter(static_cast<uint64_t>(position.latent_counter));
  }
  const auto save = [&] {
    position.latent_counter = static_cast<int64_t>(latent.counter());
    position.epoch = loader.epoch();
    position.batch = loader.batch();
    nn::NamedTensors state;
    for (const auto& [prefix, tensors] : parts) {
      for (auto& named : nn::with_prefix(prefix, tensors)) state.push_back(std::move(named));
    }
    nn::save_checkpoint(checkpoint_path, state, to_metadata(options, position));
  };
  const Tensor sample_z = Random(seed, kSampleStream).normal({kSamples, options.latent, 1, 1});
  const auto save_samples = [&] {
    write_grid(folder / "samples" / tutorials::sample_name(position.step),
               tutorials::draw(G, sample_z), kSampleColumns);
  };

  count_steps(options, loader.batches_per_epoch(), position);
  if (options.resume && position.step == options.steps) {
    std::printf("%s is at its end, step %s; --steps or --epochs takes it further\n", folder.c_str(),
                tutorials::grouped(position.step).c_str());
    return 0;
  }
  print_start(options, data, G, D, position);
  nn::make_folder(folder / "samples");
  tutorials::write_run_json(folder / "run.json", kChapter, given);
  nn::CsvWriter metrics(folder / "metrics.csv", kMetricsHeader,
                        options.resume ? position.step : -1);
  if (!options.resume) {
    save_samples();
    save();
  }

  tutorials::watch_stop_signals();
  tutorials::Progress progress(position.step, options.steps, loader.batches_per_epoch(),
                               options.batch_size);
  while (position.step < options.steps && tutorials::stop_signal() == 0) {
    const int64_t epoch = loader.epoch() + 1;
    const Tensor real = loader.next().images;
    const Tensor z = latent.normal({options.batch_size, options.latent, 1, 1});

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
    ++position.step;

    const tutorials::Metrics values = {{"loss_D", loss_d.item()},
                                       {"loss_G", loss_g.item()},
                                       {"D(x)", mean_probability(on_real)},
                                       {"D(G(z))", mean_probability(on_fake)}};
    tutorials::check_finite(values, position.step, checkpoint_path);
    metrics.append(tutorials::csv_row(position.step, epoch, values));
    progress.update(position.step, values);
    if (position.step % options.sample_every == 0 || position.step == options.steps) {
      save_samples();
      save();
    }
  }
  progress.finish();

  if (position.step < options.steps) {
    save();
    std::printf("\nstopped by a signal (%s) at step %s, saved to %s\n--resume --out %s goes on\n",
                ::strsignal(tutorials::stop_signal()), tutorials::grouped(position.step).c_str(),
                checkpoint_path.c_str(), folder.c_str());
    return 128 + tutorials::stop_signal();
  }
  std::printf("\ndone in %s, %.0f images/s\n", progress.elapsed().c_str(),
              progress.images_per_second());
  std::printf("samples  %s\n",
              (folder / "samples" / tutorials::sample_name(position.step)).c_str());
  std::printf("next     generate, interpolate: both take --checkpoint %s\n",
              checkpoint_path.c_str());
  return 0;
}

int run(int argc, char** argv) {
  TrainOptions train_values;
  GenerateOptions generate_values;
  InterpolateOptions interpolate_values;
  InspectOptions inspect_values;
  std::vector<tutorials::Command> commands = {
      {"train", "trains a DCGAN; what happens when no command is given", kNotes,
       train_options(train_values)},
      {"generate", "writes images of a trained G as an IDX file and a PNG grid", "",
       generate_options(generate_values)},
      {"interpolate", "writes a PNG of steps from one random vector to another", "",
       interpolate_options(interpolate_values)},
      {"inspect-data", "tells what is in the data, without training", "",
       inspect_options(inspect_values)}};
  switch (tutorials::parse_command_line(
      argc, argv, "Chapter 3: a DCGAN learns to draw what it sees.", commands)) {
    case 0:
      return train(train_values, commands[0].options);
    case 1:
      return generate(generate_values);
    case 2:
      return interpolate(interpolate_values);
    case 3:
      return inspect_data(inspect_values);
    default:
      return 0;
  }
}

}  // namespace
}  // namespace forger::dcgan

int main(int argc, char** argv) {
  return forger::tutorials::report_errors(argc, argv, forger::dcgan::run);
}
