#include "nn/summary.h"

#include <algorithm>
#include <array>
#include <vector>

#include "autograd/graph.h"

namespace forger::nn {
namespace {

using Row = std::array<std::string, 5>;

/// Returns 1234567 as "1,234,567".
std::string grouped(int64_t n) {
  std::string text = std::to_string(n);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

}  // namespace

std::string summary(Module& module, const Shape& x, SourceLoc loc) {
  CallRecorder recorder;
  {
    const EvalMode eval(module);
    const NoGrad guard;
    (void)module(Tensor::zeros(x), loc);
  }
  std::vector<Row> rows = {{"layer", "kind", "output", "parameters", "multiply-adds"}};
  int64_t multiply_adds = 0;
  for (const auto& [called, from, to] : recorder.calls) {
    if (!called->children().empty()) continue;
    const int64_t work = called->multiply_adds(from, to);
    multiply_adds += work;
    rows.push_back({called->path(), called->describe(), to.str(),
                    grouped(called->parameter_count()), grouped(work)});
  }
  rows.push_back({"total", "", "", grouped(module.parameter_count()), grouped(multiply_adds)});

  std::array<size_t, 5> width{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(width[i] - row[i].size(), ' ');
      text += i < 3 ? row[i] + space : space + row[i];
      text += i + 1 < row.size() ? "  " : "\n";
    }
  }
  return text;
}

}  // namespace forger::nn
