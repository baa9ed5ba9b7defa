// E1.8: In the plane, models can be looked at: their borders between two classes, and the ellipses
// that EM moves.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "experiments.h"
#include "nn/activation.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "planar_classes.h"
#include "tutorials/common/canvas.h"
#include "tutorials/models/gaussian.h"
#include "tutorials/models/logistic_regression.h"
#include "tutorials/models/mixture.h"
#include "tutorials/models/naive_bayes.h"
#include "tutorials/models/random_forest.h"

namespace forger::generative {
namespace {

using models::GaussianMixture;
using models::Matrix;
using models::Vector;
using tutorials::Canvas;
using tutorials::Ink;
using tutorials::Point;

// ---- borders

constexpr const char *kBest = "the best rule", *kLogistic = "logistic regression",
                     *kShared = "shared covariance", *kNaive = "naive Bayes";

/// A classifier of two classes, by its p(1 | x) of each row of x.
struct Model {
  std::string name;
  std::function<Vector(const Tensor&)> posterior;
};

Vector second_column(const Matrix& posterior) {
  Vector column;
  for (int64_t i = 0; i < posterior.rows; ++i) column.push_back(posterior[i][1]);
  return column;
}

/// Returns p(1 | x) from log p(x, 0) and log p(x, 1).
Vector posterior_of(const Matrix& log_joint) {
  Vector posterior;
  for (int64_t i = 0; i < log_joint.rows; ++i) {
    posterior.push_back(1 / (1 + std::exp(log_joint[i][0] - log_joint[i][1])));
  }
  return posterior;
}

/// Returns the rows with this label.
Tensor of_class(const LabelledPoints& points, int label) {
  std::vector<Scalar> values;
  for (size_t i = 0; i < points.labels.size(); ++i) {
    if (points.labels[i] != label) continue;
    values.push_back(points.x.data()[2 * i]);
    values.push_back(points.x.data()[2 * i + 1]);
  }
  return Tensor::from({static_cast<int64_t>(values.size()) / 2, 2}, values);
}

/// Fits a Gaussian to each class, with one covariance for both: linear discriminant analysis.
GaussianMixture fit_shared_covariance(const LabelledPoints& train) {
  GaussianMixture model{{0.5, 0.5},
                        {models::fit_multivariate_gaussian(of_class(train, 0)),
                         models::fit_multivariate_gaussian(of_class(train, 1))}};
  Vector& shared = model.parts[0].covariance.values;
  for (size_t i = 0; i < shared.size(); ++i) {
    shared[i] = (shared[i] + model.parts[1].covariance.values[i]) / 2;
  }
  model.parts[1].covariance = model.parts[0].covariance;
  return model;
}

models::LogisticRegression fit_line(const LabelledPoints& train) {
  return models::fit_logistic_regression(train.x, train.labels, 2,
                                         {.penalty = 1e-3, .tolerance = 1e-5});
}

/// Trains a network with two hidden layers.
Model train_network(const LabelledPoints& train, uint64_t seed) {
  constexpr int64_t kHidden = 32, kBatch = 500, kSteps = 2000;
  nn::seed_init(seed);
  auto net = std::make_shared<nn::Sequential>("net");
  net->add<nn::Linear>(2, kHidden);
  net->add<nn::ReLU>();
  net->add<nn::Linear>(kHidden, kHidden);
  net->add<nn::ReLU>();
  net->add<nn::Linear>(kHidden, 2);
  nn::Adam optimizer(*net, {.lr = 1e-2});
  const int64_t n = train.x.shape()[0], batch = std::min(kBatch, n);
  for (int64_t step = 0; step < kSteps; ++step) {
    optimizer.lr = nn::cosine_lr(1e-2, step, kSteps);
    const int64_t first = step * batch % (n - batch + 1);
    const auto label = train.labels.begin() + first;
    const Tensor loss = softmax_cross_entropy((*net)(slice(train.x, 0, first, first + batch)),
                                              {label, label + batch});
    optimizer.zero_grad();
    backward(loss, net->parameters());
    optimizer.step();
  }
  return {"network", [net](const Tensor& x) {
            const NoGrad no_grad;
            const Tensor logits = (*net)(x);
            Vector posterior;
            for (int64_t i = 0; i < x.shape()[0]; ++i) {
              const Scalar* row = logits.data() + 2 * i;
              posterior.push_back(1 / (1 + std::exp(static_cast<double>(row[0]) - row[1])));
            }
            return posterior;
          }};
}

/// Fits every model.
std::vector<Model> fit_models(const LabelledPoints& train, uint64_t seed) {
  constexpr int64_t kComponents = 3;  // of a class
  const auto line = fit_line(train);
  const auto one_covariance = fit_shared_covariance(train);
  const auto naive = models::fit_naive_bayes(train.x, train.labels, 2);
  const auto forest = models::fit_random_forest(train.x, train.labels, 2, seed);
  Random random(seed);
  GaussianMixture mixtures[2];
  for (int label : {0, 1}) {
    mixtures[label] = models::fit_mixture(of_class(train, label), kComponents, random).mixture;
  }
  return {
      {"logistic regression", [=](const Tensor& x) { return second_column(line.posterior(x)); }},
      {kShared, [=](const Tensor& x) { return posterior_of(one_covariance.log_joint(x)); }},
      {kNaive, [=](const Tensor& x) { return second_column(naive.posterior(x)); }},
      {"mixtures",
       [upper = mixtures[0], lower = mixtures[1]](const Tensor& x) {
         const Vector p0 = upper.log_density(x), p1 = lower.log_density(x);
         Vector posterior;
         for (size_t i = 0; i < p0.size(); ++i) {
           posterior.push_back(1 / (1 + std::exp(p0[i] - p1[i])));
         }
         return posterior;
       }},
      {"random forest", [=](const Tensor& x) { return second_column(forest.posterior(x)); }},
      train_network(train, seed)};
}

/// Returns the share of points whose more probable class is not their label.
double error_of(const Model& model, const LabelledPoints& points) {
  const Vector posterior = model.posterior(points.x);
  int64_t errors = 0;
  for (size_t i = 0; i < posterior.size(); ++i) {
    errors += (posterior[i] > 0.5 ? 1 : 0) != points.labels[i] ? 1 : 0;
  }
  return static_cast<double>(errors) / static_cast<double>(posterior.size());
}

/// Returns the angle in degrees between the borders of logistic regression and of two Gaussians
/// with one covariance.
double degrees_between_lines(const LabelledPoints& train) {
  const auto line = fit_line(train);
  const auto classes = fit_shared_covariance(train);
  Vector weight = {classes.parts[1].mean[0] - classes.parts[0].mean[0],
                   classes.parts[1].mean[1] - classes.parts[0].mean[1]};
  const Matrix root = models::cholesky(classes.parts[0].covariance);
  models::solve_lower(root, weight.data());
  models::solve_lower_transposed(root, weight.data());  // now S^-1 (m_1 - m_0)
  const double x = line.weight.at({1, 0}) - line.weight.at({0, 0});
  const double y = line.weight.at({1, 1}) - line.weight.at({0, 1});
  constexpr double kDegrees = 180 / 3.14159265358979323846;
  return std::abs(std::atan2(x * weight[1] - y * weight[0], x * weight[0] + y * weight[1])) *
         kDegrees;
}

/// Returns pictures of equal size, two in a row.
nn::Image in_rows_of_two(const std::vector<nn::Image>& pictures) {
  const int64_t bytes = pictures[0].width * 3, height = pictures[0].height;
  const auto rows = static_cast<int64_t>(pictures.size()) / 2;
  nn::Image all{
      .width = 2 * pictures[0].width, .height = rows * height, .channels = 3, .pixels = {}};
  for (size_t first = 0; first + 1 < pictures.size(); first += 2) {
    for (int64_t y = 0; y < height; ++y) {
      for (size_t i = first; i < first + 2; ++i) {
        const auto line = pictures[i].pixels.begin() + y * bytes;
        all.pixels.insert(all.pixels.end(), line, line + bytes);
      }
    }
  }
  return all;
}

std::string with_error(const Model& model, double error) {
  char text[80];
  std::snprintf(text, sizeof text, "%s: error %.3f", model.name.c_str(), error);
  return text;
}

/// Draws p(1 | x), the border, and some of the training points.
nn::Image draw_border(const Model& model, double error, const LabelledPoints& train,
                      double half_width) {
  constexpr int64_t kShown = 400;
  LabelledPoints shown{slice(train.x, 0, 0, kShown),
                       {train.labels.begin(), train.labels.begin() + kShown}};
  Canvas canvas(half_width, with_error(model, error), {"class 1", "class 0"});
  const Vector posterior = model.posterior(canvas.surface_points());
  canvas.surface(Tensor::from({static_cast<int64_t>(posterior.size())},
                              std::vector<Scalar>(posterior.begin(), posterior.end())));
  canvas.points(of_class(shown, 0), Ink::kGenerated);
  canvas.points(of_class(shown, 1), Ink::kReal);
  return canvas.image();
}

/// Two classes in the plane, and how their picture looks.
struct Classes {
  std::string name, picture;
  LabelledPoints train, test;
  Model best;
  double half_width;
};

/// Fits and measures every model. Draws those that `drawn` names. Returns the errors.
std::map<std::string, double> measure_models(tutorials::Measurement& m, const Classes& classes,
                                             const std::set<std::string>& drawn, uint64_t seed) {
  std::map<std::string, double> errors;
  std::vector<nn::Image> pictures;
  std::vector<Model> all = fit_models(classes.train, seed);
  all.insert(all.begin(), classes.best);
  for (const Model& model : all) {
    const double error = errors[model.name] = error_of(model, classes.test);
    m.record("error on " + classes.name, Point("classifier", model.name), error);
    if (seed != m.seeds()[0] || drawn.count(model.name) == 0) continue;
    pictures.push_back(draw_border(model, error, classes.train, classes.half_width));
  }
  if (seed == m.seeds()[0]) m.picture(classes.picture, in_rows_of_two(pictures));
  return errors;
}

void measure_borders(tutorials::Measurement& m) {
  for (const uint64_t seed : m.seeds()) {
    Random random(seed, uint64_t{'B'} << 56);
    const Classes gaussians{"Gaussians",
                            "gaussians",
                            two_gaussians(m.quick() ? 2000 : 20'000, random),
                            two_gaussians(m.quick() ? 5000 : 100'000, random),
                            {kBest, posterior_of_two_gaussians},
                            3.5};
    const Classes moons{"moons",
                        "moons",
                        labelled_moons(500, random),
                        labelled_moons(m.quick() ? 5000 : 50'000, random),
                        {kBest, posterior_of_moons},
                        2};
    const auto on_gaussians =
        measure_models(m, gaussians, {kLogistic, kNaive, "random forest", "network"}, seed);
    for (const char* name : {kLogistic, kShared, kNaive}) {
      m.record(std::string("error on Gaussians, ") + name, on_gaussians.at(name));
    }
    m.record("degrees between the lines", degrees_between_lines(gaussians.train));
    const auto on_moons = measure_models(
        m, moons, {kBest, kLogistic, kNaive, "mixtures", "random forest", "network"}, seed);
    m.record(std::string("error on moons, ") + kBest, on_moons.at(kBest));
    m.record("error on moons, network / best rule", on_moons.at("network") / on_moons.at(kBest));
    m.progress("borders, seed " + std::to_string(seed));
  }
}

// ---- EM

/// Three Gaussians, with 17 free numbers: 3 x 2 of the means, 3 x 3 of the covariances, 2 weights.
GaussianMixture true_mixture() {
  const auto part = [](double x, double y, double xx, double xy, double yy) {
    models::MultivariateGaussian gaussian{{x, y}, Matrix(2, 2)};
    gaussian.covariance.values = {xx, xy, xy, yy};
    return gaussian;
  };
  return {{0.5, 0.3, 0.2},
          {part(-1.2, -0.8, 0.35, 0.25, 0.4), part(1.6, -0.6, 0.12, -0.08, 0.6),
           part(0.4, 1.7, 0.7, 0.1, 0.12)}};
}
constexpr double kFreeNumbers = 17;

/// Three equal circles close to one another, far from the truth.
GaussianMixture poor_start() {
  GaussianMixture start = true_mixture();
  start.weights = {1.0 / 3, 1.0 / 3, 1.0 / 3};
  for (int64_t k = 0; k < 3; ++k) {
    models::MultivariateGaussian& part = start.parts[static_cast<size_t>(k)];
    part.mean = {0.3 * static_cast<double>(k - 1), 0.1 * static_cast<double>(k % 2)};
    part.covariance.values = {0.5, 0, 0, 0.5};
  }
  return start;
}

double mean(const Vector& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

/// Returns the points at two standard deviations from the mean, a closed line. An ellipse holds
/// 1 - exp(-2) = 0.86 of the probability.
Tensor ellipse(const models::MultivariateGaussian& gaussian) {
  constexpr int64_t kSides = 72;
  constexpr double kDeviations = 2;
  const Matrix root = models::cholesky(gaussian.covariance);
  std::vector<Scalar> points;
  for (int64_t i = 0; i <= kSides; ++i) {
    const double angle = 2 * 3.14159265358979323846 * static_cast<double>(i) / kSides;
    const double x = kDeviations * std::cos(angle), y = kDeviations * std::sin(angle);
    points.push_back(static_cast<Scalar>(gaussian.mean[0] + root[0][0] * x));
    points.push_back(static_cast<Scalar>(gaussian.mean[1] + root[1][0] * x + root[1][1] * y));
  }
  return Tensor::from({kSides + 1, 2}, points);
}

/// Draws the density in blue, the points, and the components' ellipses at two deviations.
nn::Image draw_mixture(const GaussianMixture& mixture, const Tensor& x, int64_t iteration,
                       double log_likelihood) {
  char caption[80];
  std::snprintf(caption, sizeof caption, "iteration %lld: log-likelihood %.3f per point",
                static_cast<long long>(iteration), log_likelihood);
  Canvas canvas(3.5, caption);
  const Vector log_density = mixture.log_density(canvas.surface_points());
  const double most = *std::max_element(log_density.begin(), log_density.end());
  std::vector<Scalar> surface;  // 1/2, which is white, to 1
  for (const double value : log_density) {
    surface.push_back(static_cast<Scalar>(0.5 + 0.5 * std::exp(value - most)));
  }
  canvas.surface(Tensor::from({static_cast<int64_t>(surface.size())}, surface));
  canvas.points(x, Ink::kDark);
  for (const models::MultivariateGaussian& part : mixture.parts) {
    canvas.polyline(ellipse(part), Ink::kMark);
  }
  return canvas.image();
}

/// Returns how often a number is below the one before it by more than rounding.
int64_t falls(const Vector& history) {
  int64_t count = 0;
  for (size_t i = 1; i < history.size(); ++i) {
    count += history[i] < history[i - 1] - 1e-12 * std::abs(history[i]) ? 1 : 0;
  }
  return count;
}

/// Runs EM from the poor start and draws each iteration.
int64_t animate(tutorials::Measurement& m) {
  constexpr int64_t kIterations = 15;
  Random random(0, uint64_t{'A'} << 56);
  const Tensor x = true_mixture().sample(500, random);
  GaussianMixture mixture = poor_start();
  Vector history;
  std::vector<nn::Image> frames, strip;
  for (int64_t iteration = 0; iteration <= kIterations; ++iteration) {
    const GaussianMixture before = mixture;
    history.push_back(models::em_step(x, mixture));
    nn::Image frame = draw_mixture(before, x, iteration, history.back());
    for (const int64_t kept : {0, 3, 6, 15}) {
      if (iteration == kept) strip.push_back(frame);
    }
    frames.push_back(std::move(frame));
  }
  m.picture("em_steps", in_rows_of_two(strip));
  m.animation("em", frames);
  return falls(history);
}

void measure_em(tutorials::Measurement& m) {
  int64_t all_falls = animate(m);
  const GaussianMixture truth = true_mixture();
  const int64_t n = 1000, repeats = m.quick() ? 5 : 40;
  for (const uint64_t seed : m.seeds()) {
    double gain = 0;
    for (int64_t repeat = 0; repeat < repeats; ++repeat) {
      Random random(seed, (uint64_t{'E'} << 56) + static_cast<uint64_t>(repeat));
      const Tensor x = truth.sample(n, random);
      const models::FittedMixture fitted =
          models::fit_mixture(x, truth, {.iterations = 1000, .tolerance = 1e-8});
      all_falls += falls(fitted.log_likelihood);
      gain += static_cast<double>(n) * (fitted.log_likelihood.back() - mean(truth.log_density(x)));
    }
    m.record("log-likelihood gained by fitting", gain / static_cast<double>(repeats));
  }
  m.record("falls of the log-likelihood", static_cast<double>(all_falls));
  m.progress("EM");
}

void measure(tutorials::Measurement& m) {
  measure_borders(m);
  measure_em(m);
}

}  // namespace

tutorials::Experiment plane() {
  return {.id = "1.8",
          .title = "Borders and ellipses in the plane",
          .predictions =
              {about("error on Gaussians, logistic regression", best_error_of_two_gaussians(),
                     0.005, "Phi(-d/2) with d = 2, the error of the best rule"),
               about("error on Gaussians, shared covariance", best_error_of_two_gaussians(), 0.005,
                     "the model is right, so it finds the best rule, too"),
               about("error on Gaussians, naive Bayes", naive_error_of_two_gaussians(), 0.005,
                     "Phi(-0.6): blind to the correlation, its border is the line x_1 = 0"),
               at_most("degrees between the lines", 1,
                       "both tend to the line with the normal S^-1 (m_1 - m_0)"),
               about("error on moons, the best rule", best_error_of_moons(), 0.003,
                     "half the integral of the smaller density"),
               at_least("error on moons, network / best rule", 1,
                        "no classifier errs less than the best rule"),
               about("falls of the log-likelihood", 0, 0,
                     "each iteration of EM maximises a lower bound that touches the likelihood"),
               about("log-likelihood gained by fitting", kFreeNumbers / 2, 0.7,
                     "half a unit per free number, of which there are 17 (Wilks 1938)")},
          .minutes = 1,
          .seeds = {0, 1, 2, 3, 4},
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::generative
