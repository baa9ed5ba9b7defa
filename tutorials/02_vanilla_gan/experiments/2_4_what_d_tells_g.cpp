// E2.4: What D tells G. The gradients of both losses at the pixels of one image have one direction
// and the ratio of lengths (1 - D)/D. What that means for G depends on its optimizer: SGD's step is
// proportional to the gradient, Adam's is not (Kingma & Ba 2014, arXiv 1412.6980, section 2.1).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../models/losses.h"
#include "../models/mlp.h"
#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "experiments.h"
#include "nn/data/image.h"
#include "nn/data/loader.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "tutorials/common/data.h"

namespace forger::vanilla {
namespace {

void descend(nn::Optimizer& optimizer, const nn::Module& net, const Tensor& loss) {
  optimizer.zero_grad();
  backward(loss, net.parameters());
  optimizer.step();
}

// ---- the gradients at the pixels

constexpr int64_t kLatent = 64, kHidden = 128, kBatch = 64;
constexpr int64_t kImages = 8;  // fakes at which gradients are compared
const std::vector<int64_t> kStepsOfD = {0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

/// The gradients of both losses at the pixels of one image, [1, pixels].
struct PixelGradients {
  double d;      // D(x)
  double ratio;  // (1 - D(x)) / D(x), from the logit
  Tensor non_saturating, zero_sum;
};

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.numel(); ++i) sum += double{a.data()[i]} * b.data()[i];
  return sum;
}
double length(const Tensor& a) { return std::sqrt(dot(a, a)); }

PixelGradients gradients_at(nn::Module& D, const Tensor& image) {
  // listing: pixels
  Tensor x = image.clone();
  x.set_requires_grad();
  const Tensor logit = D(x);
  const Tensor non_saturating = bce_with_logits(logit, 1.0);  // -log D(x)
  const Tensor zero_sum = -bce_with_logits(logit, 0.0);       // log(1 - D(x))
  const Tensor g1 = grad({non_saturating}, {x}, {}, {.retain_graph = true})[0];
  const Tensor g2 = grad({zero_sum}, {x})[0];
  // end of listing
  const double l = logit.item();
  return {1 / (1 + std::exp(-l)), std::exp(-l), g1, g2};
}

/// Prints the nodes from the loss to the image, and the node that the gradient is made by.
void print_graph(const tutorials::Measurement& m, nn::Module& D, const Tensor& image) {
  Tensor x = image.clone();
  x.set_requires_grad();
  x.set_name("image");
  const Tensor loss = bce_with_logits(D(x), 1.0);
  const Tensor gradient = grad({loss}, {x}, {}, {.create_graph = true})[0];
  for (const Node* node = loss.node().get(); node != nullptr;
       node = node->inputs.empty() ? nullptr : node->inputs[0].get()) {
    m.progress("forward   " + node->str());
  }
  m.progress("gradient  " + gradient.node()->str());
}

/// Returns [1, 3, height, width]: white where the number is 0, red where it is `largest`, blue
/// where it is -largest.
Tensor signed_colours(const Tensor& numbers, double largest, int64_t side) {
  Tensor picture = Tensor::empty({1, 3, side, side});
  const int64_t pixels = side * side;
  for (int64_t i = 0; i < pixels; ++i) {
    const double v = std::clamp(numbers.data()[i] / largest, -1.0, 1.0);
    const double paled = 1 - 2 * std::abs(v);
    picture.mutable_data()[i] = static_cast<Scalar>(v > 0 ? 1 : paled);
    picture.mutable_data()[pixels + i] = static_cast<Scalar>(paled);
    picture.mutable_data()[2 * pixels + i] = static_cast<Scalar>(v < 0 ? 1 : paled);
  }
  return picture;
}

/// A row for each image: the image; where -log D wants it brighter (red) or darker (blue); the same
/// for log(1 - D) on one scale; and on a scale of its own.
nn::Image draw_gradients(nn::Module& D, const Tensor& images, int64_t side) {
  std::vector<Tensor> cells;
  for (int64_t i = 0; i < 4; ++i) {
    const Tensor image = slice(images, 0, i, i + 1);
    const PixelGradients g = gradients_at(D, image);
    const double largest = max(abs(g.non_saturating)).item() / 2;  // so that the rest can be seen
    const Tensor grey = reshape(image, {1, 1, side, side});
    cells.push_back(concat({grey, grey, grey}, 1));
    cells.push_back(signed_colours(-g.non_saturating, largest, side));
    cells.push_back(signed_colours(-g.zero_sum, largest, side));
    cells.push_back(signed_colours(-g.zero_sum, largest / g.ratio, side));
  }
  return nn::make_grid(concat(cells, 0), 4, 2, 4);
}

struct Worst {
  double ratio = 0;  // relative error of the ratio of lengths
  double angle = 0;  // 1 - cosine
  double least_d = 1;

  void add(const PixelGradients& g) {
    const double a = length(g.non_saturating), b = length(g.zero_sum);
    ratio = std::max(ratio, std::abs(a / b / g.ratio - 1));
    angle = std::max(angle, 1 - dot(g.non_saturating, g.zero_sum) / (a * b));
    least_d = std::min(least_d, g.d);
  }
};

void compare_gradients(tutorials::Measurement& m, const nn::ImageSet& images, uint64_t seed) {
  const int64_t pixels = images.image_bytes();
  nn::seed_init(seed);
  Random random(seed);
  nn::Loader loader(images, kBatch, seed);
  const auto next_real = [&] { return reshape(loader.next().images, {kBatch, pixels}); };
  Mlp G("G", {.in = kLatent, .hidden = kHidden, .out = pixels, .in_range = true});
  const auto forge = [&](int64_t count) { return G(random.normal({count, kLatent})); };

  // A short game, so that the fakes look like something. D has no batch norm, which would mix the
  // images of a batch. Then G stops and D goes on: it becomes ever surer that these are fakes.
  Mlp D("D", {.in = pixels, .hidden = kHidden, .out = 1});
  nn::Adam opt_g(G, {.lr = 5e-4, .beta1 = 0.5}), opt_d(D, {.lr = 5e-4, .beta1 = 0.5});
  Worst worst;
  const PixelGradients untrained = gradients_at(D, forge(1).detach());
  worst.add(untrained);
  m.record("D(G(z)) of an untrained D", untrained.d);
  for (int64_t step = 0; step < (m.quick() ? 300 : 3000); ++step) {
    const Tensor fake = forge(kBatch);
    descend(opt_d, D, discriminator_loss(D(next_real()), D(fake.detach())));
    descend(opt_g, G, generator_loss(D(fake), GeneratorLoss::kNonSaturating));
  }
  const Tensor fakes = forge(kImages).detach();
  opt_d.lr = 1e-3;
  int64_t step = 0;
  bool drawn = seed != m.seeds()[0];
  for (const int64_t until : kStepsOfD) {
    for (; step < until; ++step) {
      descend(opt_d, D, discriminator_loss(D(next_real()), D(forge(kBatch).detach())));
    }
    const tutorials::Point at("steps of D", until);
    double mean_d = 0;
    for (int64_t i = 0; i < kImages; ++i) {
      const PixelGradients g = gradients_at(D, slice(fakes, 0, i, i + 1));
      worst.add(g);
      mean_d += g.d / kImages;
      m.record("D(G(z))", at, g.d);
      m.record("length for -log D", at, length(g.non_saturating));
      m.record("length for log(1 - D)", at, length(g.zero_sum));
      m.record("ratio of lengths", at, length(g.non_saturating) / length(g.zero_sum));
      m.record("(1 - D)/D", at, g.ratio);
    }
    if (drawn || mean_d > 0.1) continue;
    drawn = true;
    m.picture("gradients", draw_gradients(D, fakes, images.width));
    print_graph(m, D, slice(fakes, 0, 0, 1));
  }
  m.record("ratio of lengths against (1 - D)/D: largest relative error", worst.ratio);
  m.record("1 - cosine of the two gradients: largest", worst.angle);
  m.record("least D(G(z))", worst.least_d);
}

// ---- the same game with SGD and with Adam

constexpr double kTarget = 4, kTargetDeviation = 0.5, kNear = 0.5;
constexpr int64_t kExamples = 128;
constexpr double kSgd = 0.05, kAdam = 0.003;  // learning rates

/// The D that G meets: trained for some steps against the untrained G, and with its logits
/// multiplied by a factor.
struct Opponent {
  const char* name;
  int64_t steps;
  double factor;
};
constexpr Opponent kOpponents[] = {{"untrained", 0, 1},
                                   {"200 steps", 200, 1},
                                   {"1,000 steps", 1000, 1},
                                   {"1,000 steps, logits x 3", 1000, 3}};

/// How both players step.
struct Method {
  const char* name;
  bool adam;
  double beta1;
};
constexpr Method kMethods[] = {
    {"SGD", false, 0}, {"Adam", true, 0.9}, {"Adam without momentum", true, 0}};

struct Outcome {
  double d_at_start;    // D(G(z))
  double first_step;    // how far G's parameters move
  int64_t steps;        // until the mean of G's numbers is near the target; at most all
  double error_at_end;  // |mean of G's numbers - target|, averaged over the last tenth
};

std::vector<Tensor> copies(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  for (const Tensor& t : tensors) result.push_back(t.clone());
  return result;
}
double distance(const std::vector<Tensor>& from, const std::vector<Tensor>& to) {
  double squares = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    for (int64_t j = 0; j < from[i].numel(); ++j) {
      squares += std::pow(double{to[i].data()[j]} - from[i].data()[j], 2);
    }
  }
  return std::sqrt(squares);
}

Outcome play(const Opponent& opponent, const Method& method, GeneratorLoss loss, int64_t steps,
             uint64_t seed) {
  nn::seed_init(seed);
  Random random(seed);
  Mlp G("G", {.in = 1, .hidden = 16, .out = 1}), D("D", {.in = 1, .hidden = 16, .out = 1});
  const auto next_real = [&] { return random.normal({kExamples, 1}, kTarget, kTargetDeviation); };
  const auto forge = [&] { return G(random.normal({kExamples, 1})); };
  nn::Adam teacher(D, {.lr = 1e-2});
  for (int64_t step = 0; step < opponent.steps; ++step) {
    const Tensor fake = forge().detach();
    descend(teacher, D, discriminator_loss(D(next_real()), D(fake)));
  }
  const auto judge = [&](const Tensor& x) { return opponent.factor * D(x); };

  const auto optimizer = [&](const nn::Module& net) -> std::unique_ptr<nn::Optimizer> {
    if (!method.adam) return std::make_unique<nn::Sgd>(net, nn::SgdOptions{.lr = kSgd});
    return std::make_unique<nn::Adam>(net, nn::AdamOptions{.lr = kAdam, .beta1 = method.beta1});
  };
  const std::unique_ptr<nn::Optimizer> opt_d = optimizer(D), opt_g = optimizer(G);
  Outcome outcome{mean(sigmoid(judge(forge().detach()))).item(), 0, steps, 0};
  const std::vector<Tensor> start = copies(G.parameters());
  for (int64_t step = 0; step < steps; ++step) {
    const Tensor fake = forge();
    const double error = std::abs(mean(fake.detach()).item() - kTarget);
    if (error < kNear) outcome.steps = std::min(outcome.steps, step);
    const int64_t last = steps / 10;
    if (step >= steps - last) outcome.error_at_end += error / static_cast<double>(last);
    descend(*opt_d, D, discriminator_loss(judge(next_real()), judge(fake.detach())));
    descend(*opt_g, G, generator_loss(judge(fake), loss));
    if (step == 0) outcome.first_step = distance(start, G.parameters());
  }
  return outcome;
}

constexpr int64_t kGameSteps = 3000;

void compare_optimizers(tutorials::Measurement& m, uint64_t seed) {
  for (const Opponent& opponent : kOpponents) {
    const tutorials::Point at("D before the game", opponent.name);
    double first_step[3][2], steps[3][2];  // [method][loss]
    for (size_t i = 0; i < (m.quick() ? 2 : 3); ++i) {
      for (const GeneratorLoss loss : {GeneratorLoss::kNonSaturating, GeneratorLoss::kZeroSum}) {
        const Outcome outcome = play(opponent, kMethods[i], loss, kGameSteps, seed);
        const bool zero_sum = loss == GeneratorLoss::kZeroSum;
        const std::string name =
            std::string(kMethods[i].name) + (zero_sum ? ", log(1 - D)" : ", -log D");
        if (i == 0 && !zero_sum) m.record("D(G(z)) at the start", at, outcome.d_at_start);
        m.record(name + ": steps", at, static_cast<double>(outcome.steps));
        m.record(name + ": error at the end", at, outcome.error_at_end);
        first_step[i][zero_sum] = outcome.first_step;
        steps[i][zero_sum] = static_cast<double>(outcome.steps);
      }
    }
    const double sgd = first_step[0][1] / first_step[0][0];
    const double adam = first_step[1][1] / first_step[1][0];
    m.record("G's first step with SGD, log(1 - D) / -log D", at, sgd);
    m.record("G's first step with Adam, log(1 - D) / -log D", at, adam);
    if (opponent.steps < 1000) continue;
    const std::string name = opponent.factor == 1 ? "sure D, " : "D below Adam's eps, ";
    m.record(name + "Adam: G's first step, log(1 - D) / -log D", adam);
    if (opponent.factor > 1) continue;
    m.record(name + "SGD: G's first step, log(1 - D) / -log D", sgd);
    m.record(name + "SGD, -log D: steps to the target", steps[0][0]);
    m.record(name + "SGD, log(1 - D): steps to the target", steps[0][1]);
    m.record(name + "Adam: steps with log(1 - D) / with -log D", steps[1][1] / steps[1][0]);
  }
}

void measure(tutorials::Measurement& m) {
  tutorials::DataOptions options;
  if (!m.quick()) options.data = "fashion-mnist";
  const tutorials::Data data = tutorials::load_data(options, 0);
  for (const uint64_t seed : m.seeds()) {
    compare_gradients(m, data.images, seed);
    compare_optimizers(m, seed);
    m.progress("seed " + std::to_string(seed));
  }
}

}  // namespace

tutorials::Experiment what_d_tells_g() {
  return {.id = "2.4",
          .title = "What D tells G",
          .predictions =
              {at_most("ratio of lengths against (1 - D)/D: largest relative error", 1e-5,
                       "the slopes by the logit are -(1 - D) and -D; the rest of the chain rule is "
                       "common. What is left is float32's rounding"),
               at_most("1 - cosine of the two gradients: largest", 1e-6, "the same"),
               about("D(G(z)) of an untrained D", 0.5, 0.1, "its logit is near 0"),
               at_most("least D(G(z))", 1e-4, "so that ratios up to 10,000 are compared"),
               at_most("sure D, SGD: G's first step, log(1 - D) / -log D", 1e-4,
                       "the slopes by the logit are -D, about 1e-5, and -(1 - D)"),
               at_most("sure D, SGD, -log D: steps to the target", 100,
                       "the slope by the logit is near -1"),
               at_least("sure D, SGD, log(1 - D): steps to the target", kGameSteps,
                        "at that slope, G does not come near the target in all steps of the game"),
               about("sure D, Adam: G's first step, log(1 - D) / -log D", 1, 0.1,
                     "Adam divides by the gradient's own size (Kingma & Ba 2014, section 2.1)"),
               about("sure D, Adam: steps with log(1 - D) / with -log D", 1, 0.2, "the same"),
               at_most("D below Adam's eps, Adam: G's first step, log(1 - D) / -log D", 0.01,
                       "Adam divides by the size plus 1e-8, and this gradient is far smaller")},
          .minutes = 1,
          .seeds = {0, 1, 2, 3, 4},
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::vanilla
