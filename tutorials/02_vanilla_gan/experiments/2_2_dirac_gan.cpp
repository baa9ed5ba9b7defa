// E2.2: The Dirac-GAN, a game of two numbers (Mescheder et al. 2018, arXiv 1801.04406, section 2;
// Nagarajan & Kolter 2017, arXiv 1706.04156). All data are at 0, G puts all its mass at theta, and
// D's logit at x is psi x. Both players are right at theta = psi = 0.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "autograd/tensor.h"
#include "experiments.h"
#include "nn/optim.h"

namespace forger::vanilla {
namespace {

constexpr double kStep = 0.1;                   // the learning rate h of both players
constexpr double kGamma = 0.3;                  // weight of the penalty R1
constexpr double kNear = 0.01;                  // a radius at which the game is linear
constexpr int kSteps = 1000, kFarSteps = 5000;  // from radius kNear, and from radius 1

struct Game {
  bool alternating = false;     // G answers D's new psi instead of its old one
  bool non_saturating = false;  // G's loss is -log D instead of log(1 - D)
  double gamma = 0;             // weight of R1
};
constexpr Game kSimultaneous = {}, kAlternating = {.alternating = true},
               kSimultaneousR1 = {.gamma = kGamma},
               kAlternatingR1 = {.alternating = true, .gamma = kGamma},
               kSimultaneousNonSaturating = {.non_saturating = true},
               kAlternatingNonSaturating = {.alternating = true, .non_saturating = true};

struct State {
  double theta, psi;
  double radius() const { return std::hypot(theta, psi); }
};

/// Returns the states before the first step and after each.
std::vector<State> play(const Game& game, const State& start, int steps) {
  Tensor theta = Tensor::scalar(static_cast<Scalar>(start.theta));
  Tensor psi = Tensor::scalar(static_cast<Scalar>(start.psi));
  theta.set_requires_grad();
  psi.set_requires_grad();
  nn::Sgd opt_g({theta}, {.lr = kStep}), opt_d({psi}, {.lr = kStep});
  std::vector<State> states = {{theta.item(), psi.item()}};
  for (int i = 0; i < steps; ++i) {
    // listing: step
    Tensor real = Tensor::scalar(0);
    real.set_requires_grad();
    const Tensor on_real = psi * real;
    Tensor loss_d = bce_with_logits(on_real, 1.0) + bce_with_logits(psi * theta.detach(), 0.0);
    if (game.gamma > 0) {  // R1: the squared slope of D at the data
      const Tensor slope = grad({on_real}, {real}, {}, {.create_graph = true})[0];
      loss_d = loss_d + game.gamma / 2 * slope * slope;
    }
    opt_d.zero_grad();
    backward(loss_d, {psi});
    if (game.alternating) opt_d.step();

    const Tensor on_fake = psi * theta;
    const Tensor loss_g =
        game.non_saturating ? bce_with_logits(on_fake, 1.0) : -bce_with_logits(on_fake, 0.0);
    opt_g.zero_grad();
    backward(loss_g, {theta});
    opt_g.step();
    if (!game.alternating) opt_d.step();
    // end of listing
    states.push_back({theta.item(), psi.item()});
  }
  return states;
}

/// What alternating steps conserve near 0.
double conserved(const State& s) {
  return s.theta * s.theta + s.psi * s.psi - kStep / 2 * s.theta * s.psi;
}

/// The ratio of the largest to the smallest value of a function along a path.
template <class Function>
double spread(const std::vector<State>& states, Function f) {
  double least = f(states[0]), most = least;
  for (const State& s : states) {
    least = std::min(least, f(s));
    most = std::max(most, f(s));
  }
  return most / least;
}
double radius(const State& s) { return s.radius(); }

/// Steps in which the path goes once around 0.
double steps_per_turn(const std::vector<State>& states) {
  double angle = 0;
  for (size_t i = 1; i < states.size(); ++i) {
    const State &a = states[i - 1], &b = states[i];
    angle += std::atan2(a.theta * b.psi - a.psi * b.theta, a.theta * b.theta + a.psi * b.psi);
  }
  return static_cast<double>(states.size() - 1) * 2 * std::numbers::pi / std::abs(angle);
}

double growth(const std::vector<State>& states) {
  return states.back().radius() / states[0].radius();
}
double growth_per_step(const std::vector<State>& states) {
  return std::pow(growth(states), 1 / static_cast<double>(states.size() - 1));
}
double least_growth_per_step(const std::vector<State>& states) {
  double least = growth(states);
  for (size_t i = 1; i < states.size(); ++i) {
    least = std::min(least, states[i].radius() / states[i - 1].radius());
  }
  return least;
}

void measure(tutorials::Measurement& m) {
  for (const uint64_t seed : m.seeds()) {
    const double angle = Random(seed).uniform(0, 2 * std::numbers::pi);
    const State far = {std::cos(angle), std::sin(angle)};
    const State near = {kNear * far.theta, kNear * far.psi};

    m.record("simultaneous: growth of the radius", growth(play(kSimultaneous, near, kSteps)));
    m.record("simultaneous, -log D: growth of the radius",
             growth(play(kSimultaneousNonSaturating, near, kSteps)));
    const std::vector<State> orbit = play(kAlternating, near, kSteps);
    m.record("alternating: largest / smallest radius", spread(orbit, radius));
    m.record("alternating: largest / smallest conserved form", spread(orbit, conserved));
    m.record("alternating: steps per turn", steps_per_turn(orbit));
    m.record("simultaneous, R1: radius, factor per step",
             growth_per_step(play(kSimultaneousR1, near, kSteps)));
    m.record("alternating, R1: radius, factor per step",
             growth_per_step(play(kAlternatingR1, near, kSteps)));

    // Radius 1: the game is no longer linear.
    const std::vector<State> outwards = play(kSimultaneous, far, kSteps);
    m.record("from radius 1, simultaneous: growth of the radius", growth(outwards));
    m.record("from radius 1, simultaneous: least growth in a step",
             least_growth_per_step(outwards));
    m.record("from radius 1, alternating: largest / smallest radius",
             spread(play(kAlternating, far, kFarSteps), radius));
    m.record("from radius 1, simultaneous, -log D: radius at the end",
             play(kSimultaneousNonSaturating, far, kFarSteps).back().radius());
    const std::vector<State> inwards = play(kAlternatingNonSaturating, far, kFarSteps);
    m.record("from radius 1, alternating, -log D: 1 / radius^2, growth per step",
             (1 / std::pow(inwards.back().radius(), 2) - 1) / kFarSteps);
    m.progress("seed " + std::to_string(seed));
  }

  struct Path {
    const char* name;
    Game game;
  };
  const Path paths[] = {{"simultaneous", kSimultaneous},
                        {"alternating", kAlternating},
                        {"alternating, -log D", kAlternatingNonSaturating},
                        {"alternating, R1", kAlternatingR1}};
  for (const Path& path : paths) {
    const std::vector<State> states = play(path.game, {1, 0}, 300);
    for (size_t i = 0; i < states.size(); i += 5) {
      const tutorials::Point point("step", i);
      m.record(std::string("theta, ") + path.name, point, states[i].theta);
      m.record(std::string("psi, ") + path.name, point, states[i].psi);
    }
  }
}

}  // namespace

tutorials::Experiment dirac_gan() {
  constexpr double kTurn = 2 * std::numbers::pi;
  return {
      .id = "2.2",
      .title = "The Dirac-GAN: why the game circles",
      .predictions =
          {about("simultaneous: growth of the radius",
                 std::pow(1 + kStep * kStep / 4, kSteps / 2.0), 0.005,
                 "each step multiplies the radius by sqrt(1 + h^2/4)"),
           about("simultaneous, -log D: growth of the radius",
                 std::pow(1 + kStep * kStep / 4, kSteps / 2.0), 0.02,
                 "at D = 1/2 both losses have the slope 1/2 by the logit"),
           about("alternating: largest / smallest radius",
                 std::sqrt((1 + kStep / 4) / (1 - kStep / 4)), 0.001,
                 "the axes of the ellipse theta^2 + psi^2 - (h/2) theta psi = constant"),
           about("alternating: largest / smallest conserved form", 1, 0.001,
                 "theta^2 + psi^2 - (h/2) theta psi is the same after each step"),
           about("alternating: steps per turn", kTurn / (2 * std::asin(kStep / 4)), 0.2,
                 "the eigenvalues are exp(+-i w) with cos w = 1 - h^2/8"),
           about("simultaneous, R1: radius, factor per step",
                 std::sqrt(1 - kStep * kGamma + kStep * kStep / 4), 0.001,
                 "root of the determinant 1 - h gamma + h^2/4, as the eigenvalues are conjugate"),
           about("alternating, R1: radius, factor per step", std::sqrt(1 - kStep * kGamma), 0.001,
                 "D's half step has the determinant 1 - h gamma, G's has 1"),
           at_least("from radius 1, simultaneous: least growth in a step", 1,
                    "both steps together are at a right angle to (theta, psi), so the radius grows "
                    "by sqrt(1 + h^2 D^2)"),
           about("from radius 1, simultaneous, -log D: radius at the end", std::sqrt(2 * kStep),
                 0.01,
                 "a step adds h^2 r^2/4 to r^2 and the loss takes h r^4/8 on average: equal at "
                 "r^2 = 2 h"),
           about("from radius 1, alternating, -log D: 1 / radius^2, growth per step", kStep / 8,
                 0.001, "dr^2 = -h r^4/8 per step, on average over a turn"),
           not_predicted("from radius 1, simultaneous: growth of the radius",
                         "the factor sqrt(1 + h^2 D^2) changes along the path"),
           not_predicted("from radius 1, alternating: largest / smallest radius",
                         "the conserved form is that of the linear game")},
      .minutes = 0.2,
      .seeds = {0, 1, 2, 3, 4},
      .measure = measure,
      .source = __FILE__};
}

}  // namespace forger::vanilla
