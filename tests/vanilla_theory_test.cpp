// Tests the experiments of chapter 2 whose numbers theory gives: as --quick runs them, each
// prediction holds.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "dcgan_program.h"

namespace forger {
namespace {

/// Runs an experiment with --quick, checks each of its predictions and returns its result.
nlohmann::json quick_result(const std::string& number) {
  const TempFolder folder;
  run_program_ok(FORGER_GAN, folder, words("experiment " + number + " --quick"));
  nlohmann::json result =
      nlohmann::json::parse(contents(folder / ("out/experiments/" + number + ".json")));
  for (const auto& prediction : result["predictions"]) {
    CAPTURE(prediction["quantity"].get<std::string>());
    CAPTURE(prediction["measured"]["mean"].get<double>());
    if (prediction.contains("fulfilled")) CHECK(prediction["fulfilled"].get<bool>());
  }
  return result;
}

/// The measured number of a predicted quantity.
double measured(const nlohmann::json& result, const std::string& quantity) {
  for (const auto& prediction : result["predictions"]) {
    if (prediction["quantity"] == quantity) return prediction["measured"]["mean"];
  }
  FAIL("no quantity " << quantity);
  return 0;
}

}  // namespace

#ifndef FORGER_SANITIZED
TEST_CASE("D alone reaches p / (p + q), and its loss gives the Jensen-Shannon divergence") {
  const nlohmann::json result = quick_result("2.1");
  CHECK(std::abs(measured(result, "m = 1: loss") - 1.1635) < 0.01);
  CHECK(std::abs(measured(result, "m = 1: accuracy") - 0.6915) < 0.01);
  CHECK(std::abs(measured(result, "m = 1: log 2 - loss / 2") - 0.1114) < 0.01);
  CHECK(std::abs(measured(result, "m = 2: loss") - 0.7126) < 0.01);
  CHECK(std::abs(measured(result, "m = 2: accuracy") - 0.8413) < 0.01);
  CHECK(std::abs(measured(result, "m = 2: log 2 - loss / 2") - 0.3368) < 0.01);
  CHECK(std::abs(measured(result, "one real to three: loss per example") - 0.5623) < 0.01);
}

TEST_CASE("the Dirac-GAN leaves its start with simultaneous steps and orbits with alternating") {
  const nlohmann::json result = quick_result("2.2");
  CHECK(measured(result, "simultaneous: growth of the radius") ==
        doctest::Approx(3.4849).epsilon(0.0005));
  CHECK(measured(result, "alternating: largest / smallest radius") ==
        doctest::Approx(1.02532).epsilon(0.0002));
  CHECK(measured(result, "alternating, R1: radius, factor per step") < 0.986);
}

TEST_CASE("both losses point one way at the pixels, and SGD stalls with one of them") {
  const nlohmann::json result = quick_result("2.4");
  CHECK(measured(result, "least D(G(z))") > 1e-9);
  CHECK(measured(result, "sure D, SGD, -log D: steps to the target") > 0);
}
#endif

}  // namespace forger
