#include "autograd/engine.h"

#include <algorithm>
#include <set>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/kernels/kernels.h"
#include "autograd/ops.h"

namespace forger {
namespace {

/// One node's part in a pass.
struct Visit {
  Node* node;
  bool requested = false;  // its own gradient is asked for
  bool inner = false;      // leads to such a node, so its rule has to run
  bool needed() const { return requested || inner; }
  Tensor g;  // sum of the cotangents that arrived so far
};

/// A node that a pass has met, and where an outer pass keeps its notes on it.
struct Met {
  uint64_t id;
  Node* node;
  uint64_t outer_pass;
  size_t outer_slot;
};

std::atomic<uint64_t> last_pass{0};

/// All that is known during one walk back. While it exists, each visited node knows its place in
/// `visits` (pass, slot); a pass begun inside another gives the places back at its end.
class Pass {
 public:
  explicit Pass(uint64_t oldest_id) : id_(++last_pass), oldest_id_(oldest_id) {}
  ~Pass() {
    for (const Met& met : met_) {
      met.node->pass = met.outer_pass;
      met.node->slot = met.outer_slot;
    }
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  Visit* find(const Node* node) {
    return node && node->pass == id_ ? &visits[node->slot] : nullptr;
  }

  /// Meets the ancestors of `root` that can lead to a requested input: those not older than the
  /// oldest.
  void collect(Node* root) {
    std::vector<Node*> stack{root};
    while (!stack.empty()) {
      Node* node = stack.back();
      stack.pop_back();
      if (node->pass == id_ || node->id < oldest_id_) continue;
      met_.push_back({node->id, node, node->pass, node->slot});
      node->pass = id_;
      for (const Ref<Node>& input : node->inputs) {
        if (input) stack.push_back(input.get());
      }
    }
  }

  /// Makes a visit of each, oldest first. An op's inputs are older than its output, so a sweep from
  /// the front sees causes before effects, and one from the back the reverse.
  void plan_visits() {
    std::sort(met_.begin(), met_.end(), [](const Met& a, const Met& b) { return a.id < b.id; });
    visits.reserve(met_.size());
    for (const Met& met : met_) {
      met.node->slot = visits.size();
      visits.push_back({.node = met.node, .g = {}});
    }
  }

  std::vector<Visit> visits;
  std::vector<char> wanted;  // by the rule that runs: which inputs' gradients; kept for its memory

 private:
  uint64_t id_;
  uint64_t oldest_id_;
  std::vector<Met> met_;
};

/// sum += g. In place where nobody else can see the sum's storage and nothing is recorded.
void accumulate(Tensor& sum, Tensor g) {
  if (!sum.defined()) {
    sum = std::move(g);
  } else if (!grad_enabled() && sum.storage()->refs == 1) {
    const int64_t n = sum.numel();
    Scalar* data = sum.mutable_data();
    kernels::active().add({{1, 1, 1, n}, {0, 0, 0, 1}, {0, 0, 0, 1}}, data, g.data(), data);
  } else {
    sum = add(sum, g);
  }
}

void run_rule(Pass& pass, Visit& visit) {
  Node& node = *visit.node;
  std::vector<char>& wanted = pass.wanted;
  wanted.resize(node.inputs.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Visit* input = pass.find(node.inputs[i].get());
    wanted[i] = input && input->needed();
  }
  const Tensor g = std::move(visit.g);
  Differentiating scope(node);
  Gradients gradients = node.op->backward(g, Context(node, wanted));
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    const Node& input = *node.inputs[i];
    if (i >= gradients.size() || !gradients[i].defined() ||
        !(gradients[i].shape() == input.shape)) {
      const bool given = i < gradients.size() && gradients[i].defined();
      fail(node.name, "the rule's gradient has not its input's shape",
           {"input " + std::to_string(i) + "  " + input.shape.str(),
            "gradient " + (given ? gradients[i].shape().str() : "undefined")},
           node.loc);
    }
    if (check_nan()) check_finite(node.name, gradients[i], std::vector<TensorRef>{g}, node.loc);
    accumulate(pass.find(&input)->g, std::move(gradients[i]));
  }
}

Tensor first_cotangent(const Tensor& output, const std::vector<Tensor>& cotangents, size_t i,
                       SourceLoc loc) {
  if (cotangents.empty()) {
    if (output.numel() != 1) {
      fail("grad", "the output has more than one element, so it needs a cotangent",
           {"output " + output.shape().str(), "reduce it to a loss by sum() or mean()"}, loc);
    }
    return Tensor::ones(output.shape());
  }
  if (!cotangents[i].defined() || !(cotangents[i].shape() == output.shape())) {
    const Tensor& c = cotangents[i];
    fail("grad", "a cotangent needs its output's shape",
         {"output     " + output.shape().str(),
          "cotangent  " + (c.defined() ? c.shape().str() : "undefined")},
         loc);
  }
  return cotangents[i];
}

void check_not_freed(const Pass& pass, SourceLoc loc) {
  for (const Visit& visit : pass.visits) {
    const Node& node = *visit.node;
    if (visit.inner && !node.op) {
      fail("backward", "the graph was freed by an earlier backward pass",
           {"at node " + node.str(),
            "freed by the pass at " + SourceLoc::at(node.freed_file, node.freed_line).str(),
            "give that pass retain_graph to go back twice"},
           loc);
    }
  }
}

/// The walk itself. `requested` marks the inputs; their gradients are left in their visits.
void walk(Pass& pass, bool keep_graph, SourceLoc loc) {
  for (Visit& visit : pass.visits) {
    const auto& inputs = visit.node->inputs;
    visit.inner = std::any_of(inputs.begin(), inputs.end(), [&](const Ref<Node>& input) {
      const Visit* found = pass.find(input.get());
      return found && found->needed();
    });
  }
  check_not_freed(pass, loc);
  for (size_t slot = pass.visits.size(); slot-- > 0;) {
    Visit& visit = pass.visits[slot];
    if (!visit.needed() || !visit.g.defined()) continue;
    if (visit.node->hooks) {
      const Tensor g = run_hooks(*visit.node, visit.g);
      visit.g = grad_enabled() ? g : g.detach();  // a hook may have recorded what it did
    }
    if (!visit.inner) continue;
    const Tensor kept = visit.requested ? visit.g : Tensor();
    run_rule(pass, visit);
    visit.g = kept;
    if (keep_graph) continue;
    visit.node->op.reset();
    visit.node->freed_file = loc.file;
    visit.node->freed_line = loc.line;
  }
}

}  // namespace

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& cotangents, GradOptions options,
                         SourceLoc loc) {
  if (!cotangents.empty() && cotangents.size() != outputs.size()) {
    fail("grad", "as many cotangents as outputs expected",
         {"outputs    " + std::to_string(outputs.size()),
          "cotangents " + std::to_string(cotangents.size())},
         loc);
  }
  uint64_t oldest = UINT64_MAX;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) {
      fail("grad", "input " + std::to_string(i) + " does not require a gradient",
           {"input  " + inputs[i].shape().str()}, loc);
    }
    oldest = std::min(oldest, inputs[i].node()->id);
  }
  Pass pass(oldest);
  for (const Tensor& output : outputs) {
    if (output.requires_grad()) pass.collect(output.node().get());
  }
  pass.plan_visits();
  const NoGrad guard(!options.create_graph);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor g = first_cotangent(outputs[i], cotangents, i, loc);
    if (Visit* visit = pass.find(outputs[i].node().get())) accumulate(visit->g, g);
  }
  for (const Tensor& input : inputs) {
    if (Visit* visit = pass.find(input.node().get())) visit->requested = true;
  }
  walk(pass, options.create_graph || options.retain_graph, loc);

  std::vector<Tensor> gradients;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Visit* visit = pass.find(inputs[i].node().get());
    if (visit && visit->g.defined()) {
      gradients.push_back(visit->g);
    } else if (options.allow_unused) {
      gradients.emplace_back();
    } else {
      fail("grad", "input " + std::to_string(i) + " is not part of the outputs' graph",
           {"input  " + inputs[i].shape().str() + ", " + inputs[i].node()->str()}, loc);
    }
  }
  return gradients;
}

void backward(const Tensor& loss, const std::vector<Tensor>& leaves, bool retain_graph,
              SourceLoc loc) {
  std::vector<Tensor> once;  // a leaf that is listed twice has one gradient
  std::set<const Node*> seen;
  for (const Tensor& leaf : leaves) {
    const Node* node = leaf.node().get();
    if (node && !node->is_leaf()) {
      fail("backward", "gradients are left in leaves, and this tensor was computed",
           {"by " + node->str(), "grad() gives the gradient of any tensor"}, loc);
    }
    if (!node || seen.insert(node).second) once.push_back(leaf);
  }
  const std::vector<Tensor> gradients = grad({loss}, once, {}, {.retain_graph = retain_graph}, loc);
  const NoGrad guard;
  for (size_t i = 0; i < once.size(); ++i) accumulate(once[i].node()->grad, gradients[i]);
}

void backward(const Tensor& loss, SourceLoc loc) {
  if (!loss.requires_grad()) {
    fail("backward", "the loss depends on nothing that requires a gradient",
         {"loss  " + loss.shape().str()}, loc);
  }
  Pass pass(0);
  pass.collect(loss.node().get());
  pass.plan_visits();
  std::vector<Tensor> leaves;
  for (const Visit& visit : pass.visits) {
    if (visit.node->is_leaf()) {
      leaves.push_back(Tensor({}, visit.node->shape, Ref<Node>(visit.node)));
    }
  }
  backward(loss, leaves, false, loc);
}

}  // namespace forger
