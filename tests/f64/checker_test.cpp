// Tests the gradient checker: rules that are wrong by 0.1 % must not pass.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/debug/gradcheck.h"
#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/random.h"

namespace forger {

constexpr double kWrong = 1.001;

/// y = x^3 with a rule off by `first`, whose own rule is off by `second`.
Tensor cube_grad(const Tensor& g, const Tensor& x, double first, double second);

struct Cube {
  Saved x;
  double first, second;
  static constexpr const char* name = "cube";
  Gradients backward(const Tensor& g, const Context&) const {
    return {cube_grad(g, x, first, second)};
  }
};

Tensor cube(const Tensor& x, double first, double second) {
  const NoGrad guard;
  const Tensor y = x * x * x;
  const WithGrad recording;
  return record(y, {x}, Cube{x, first, second}, SourceLoc::here());
}

struct CubeGrad {
  Saved g, x;
  double first, second;
  static constexpr const char* name = "cube_grad";
  Gradients backward(const Tensor& dd, const Context&) const {
    return {dd * 3.0 * first * x.get() * x, dd * g * 6.0 * first * second * x};
  }
};

Tensor cube_grad(const Tensor& g, const Tensor& x, double first, double second) {
  Tensor dx;
  {
    const NoGrad guard;
    dx = g * 3.0 * first * x * x;
  }
  return record(dx, {g, x}, CubeGrad{g, x, first, second}, SourceLoc::here());
}

namespace {

std::vector<Tensor> cube_input() {
  return {Random(1).uniform({2, 3}, 0.5, 1.5).set_requires_grad()};
}
TensorFunction cube_function(double first, double second) {
  return [=](const std::vector<Tensor>& in) { return cube(in[0], first, second); };
}

}  // namespace

TEST_CASE("gradcheck and gradgradcheck accept a correct rule") {
  CHECK_NOTHROW(gradcheck(cube_function(1, 1), cube_input()));
  CHECK_NOTHROW(gradgradcheck(cube_function(1, 1), cube_input()));
}

TEST_CASE("gradcheck rejects a rule that is wrong by 0.1 %") {
  CHECK_THROWS_AS(gradcheck(cube_function(kWrong, 1), cube_input()), Error);
  CHECK_THROWS_AS(gradcheck(cube_function(1 / kWrong, 1), cube_input()), Error);
}

TEST_CASE("gradgradcheck rejects a second derivative that is wrong by 0.1 %") {
  CHECK_NOTHROW(gradcheck(cube_function(1, kWrong), cube_input()));
  CHECK_THROWS_AS(gradgradcheck(cube_function(1, kWrong), cube_input()), Error);
}

TEST_CASE("gradcheck rejects a rule that returns NaN") {
  CHECK_THROWS_AS(gradcheck(cube_function(std::nan(""), 1), cube_input()), Error);
}

TEST_CASE("gradcheck rejects a gradient that is not a function of its arguments") {
  int calls = 0;
  const auto f = [&](const std::vector<Tensor>& in) { return cube(in[0], 1 + 1e-3 * ++calls, 1); };
  CHECK_THROWS_AS(gradcheck(f, cube_input()), Error);
}

TEST_CASE("a gradcheck error names the element, both values and the tolerance") {
  const std::vector<Tensor> x = {Tensor::from({2}, {1, 2}).set_requires_grad()};
  try {
    gradcheck(cube_function(kWrong, 1), x, {}, {});
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(
        text.starts_with("gradcheck: the derivative is wrong\n  input 0 [2], element 0\n  rule "));
    CHECK(text.find(", finite difference ") != std::string::npos);
    CHECK(text.find(", tolerance ") != std::string::npos);
  }
}

TEST_CASE("gradcheck without an input that requires a gradient is an error") {
  CHECK_THROWS_WITH_AS(gradcheck(cube_function(1, 1), {Tensor::ones({2})}, {}, {}),
                       "gradcheck: no input requires a gradient", Error);
}

TEST_CASE("gradient_of takes as many arguments as inputs, and a cotangent") {
  const std::vector<Tensor> inputs = cube_input();
  const TensorFunction gradient = gradient_of(cube_function(1, 1), inputs);
  const std::string line = std::to_string(__LINE__ - 1);
  const Tensor v = Tensor::ones({2, 3});
  CHECK(gradient({inputs[0], v}).shape() == Shape{6});
  for (const std::vector<Tensor>& arguments :
       {std::vector<Tensor>{}, inputs, std::vector<Tensor>{inputs[0], v, v}}) {
    std::string text;
    try {
      (void)gradient(arguments);
    } catch (const Error& error) {
      text = error.what();
    }
    CHECK(text == "gradient_of: the inputs and a cotangent expected\n  found " +
                      std::to_string(arguments.size()) +
                      " arguments, expected 2\n  at tests/f64/checker_test.cpp:" + line);
  }
}

}  // namespace forger
