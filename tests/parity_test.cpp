// Compares every op and layer, forward and backward, with PyTorch's results in float64. Compiled
// into both test programs. fixtures/make_fixtures.py documents the fixtures.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "kernel_sets.h"
#include "parity/cases.h"

namespace forger::parity {
namespace {

std::vector<ParityCase> all_cases() {
  std::vector<ParityCase> all = op_cases();
  for (ParityCase& c : layer_cases()) all.push_back(std::move(c));
  return all;
}

/// Counts the cases per part of the name before the slash.
std::map<std::string, int> subjects() {
  std::map<std::string, int> counts;
  for (const ParityCase& c : all_cases()) ++counts[c.name.substr(0, c.name.find('/'))];
  return counts;
}

/// Returns the matches of a regular expression's first group in the lines of a header.
std::set<std::string> declared(const std::string& header, const char* expression) {
  std::ifstream file(FORGER_SOURCE_DIR "/" + header);
  REQUIRE(file);
  std::set<std::string> names;
  const std::regex declaration(expression);
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, declaration)) names.insert(match[1]);
  }
  return names;
}

}  // namespace

TEST_CASE("parity: the fixture's cases and the test's cases are the same") {
  std::set<std::string> ours, theirs;
  for (const ParityCase& c : all_cases()) {
    CAPTURE(c.name);
    CHECK(ours.insert(c.name).second);
  }
  for (const auto& [name, group] : read_fixture("ops.safetensors")) theirs.insert(name);
  for (const std::string& name : ours) {
    CAPTURE(name);
    CHECK(theirs.contains(name));
  }
  for (const std::string& name : theirs) {
    CAPTURE(name);
    CHECK(ours.contains(name));
  }
}

TEST_CASE("parity: every op of ops.h and every layer has cases") {
  const std::map<std::string, int> counts = subjects();
  std::set<std::string> ops = declared("autograd/ops.h", R"(^(?:Tensor|std::vector<\w+>) (\w+)\()");
  ops.erase("dropout");  // PyTorch draws other random numbers
  for (const std::string& op : ops) {
    CAPTURE(op);
    const auto found = counts.find(op);
    CHECK((found != counts.end() && found->second >= 5));
  }
  for (const char* header : {"nn/activation.h", "nn/layers.h", "nn/norm.h"}) {
    for (const std::string& layer : declared(
             header,
             R"(^(?:class|struct) (\w+) : (?:public )?(?:Module|BatchNorm|Layer|Container)\b)")) {
      if (layer == "BatchNorm" || layer == "Container") continue;  // shared by those that follow
      CAPTURE(layer);
      CHECK(counts.contains("nn." + layer));
    }
  }
  int with_five = 0;
  for (const auto& [subject, count] : counts) with_five += count >= 5;
  CHECK(with_five >= 60);
}

TEST_CASE("parity: results, gradients and buffers match PyTorch on every kernel set") {
  const std::map<std::string, Group> fixture = read_fixture("ops.safetensors");
  on_every_kernel_set([&] {
    Comparison worst, largest;
    for (const ParityCase& c : all_cases()) {
      const auto group = fixture.find(c.name);
      if (group == fixture.end()) continue;  // an error of the first test
      CAPTURE(c.name);
      Comparison found;
      REQUIRE_NOTHROW(found = compare(c, group->second));
      CAPTURE(found.text);
      CHECK(found.worst <= 1);
      if (found.worst > worst.worst) worst = found;
      if (found.deviation > largest.deviation) largest = found;
    }
    MESSAGE("largest deviation ", largest.deviation,
            " u of the case's largest number, closest to its bound: ", worst.worst, " of it, ",
            worst.text);
  });
}

}  // namespace forger::parity
