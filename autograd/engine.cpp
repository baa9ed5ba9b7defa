#include "autograd/engine.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/kernels/kernels.h"
#include "autograd/ops.h"

namespace forger {
namespace {

/// A node that a pass visits, and the gradient that it collects.
struct Visit {
  Node* node;
  bool requested;  // the caller asked for its gradient
  bool inner;      // leads to a requested node, so its rule has to run
  Tensor g;        // sum of the cotangents that arrived so far
};

/// A node that the pass reached, and the marks of the outer pass to restore.
struct Met {
  uint64_t id;
  Node* node;
  uint64_t outer_pass;
  size_t outer_slot;
};

constexpr size_t kNoVisit = SIZE_MAX;
constexpr int kMostPasses = 64;  // nested in each other; each takes about 2 KiB of stack

std::atomic<uint64_t> last_pass{0};
std::atomic<int> open_passes{0};     // passes in progress, on all threads
thread_local int passes_inside = 0;  // passes in progress on this thread

bool older(const Met& a, const Met& b) { return a.id < b.id; }

void check_not_freed(const Node& node, const char* op, SourceLoc loc) {
  if (node.op) return;
  if (!node.freed) {
    fail(op, "a pass began inside a rule and came back to it", {"at node " + node.str()}, loc);
  }
  fail(op, "the graph was freed by an earlier backward pass",
       {"at node " + node.str(), "freed by the pass at " + node.freed_at.str(),
        "give that pass retain_graph to go back twice"},
       loc);
}

/// The state of one backward pass. While it exists, each node that it visits holds its index in
/// `visits` (Node::pass, Node::slot). A nested pass restores the marks of the outer pass when it
/// ends.
class Pass {
 public:
  Pass(const char* op_name, SourceLoc line) : op(op_name), loc(line), id_(++last_pass) {
    if (passes_inside == kMostPasses) {
      fail(op, std::to_string(kMostPasses) + " passes have begun inside each other",
           {"a hook or rule may go back through the graph that it is part of"}, loc);
    }
    ++passes_inside;
    ++open_passes;
  }
  ~Pass() {
    --passes_inside;
    if (--open_passes == 0) return;
    for (const Met& met : met_) {
      met.node->pass = met.outer_pass;
      met.node->slot = met.outer_slot;
    }
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  /// Returns the node's visit, or null if its gradient is not needed.
  Visit* find(const Node* node) {
    return node && node->pass == id_ && node->slot != kNoVisit ? &visits[node->slot] : nullptr;
  }

  /// Marks `root` and those of its ancestors whose ids are at least `oldest_id`.
  void collect(Node* root, uint64_t oldest_id) {
    std::vector<Node*> stack{root};
    while (!stack.empty()) {
      Node* node = stack.back();
      stack.pop_back();
      if (node->pass == id_ || node->id < oldest_id) continue;
      met_.push_back({node->id, node, node->pass, node->slot});
      node->pass = id_;
      node->slot = kNoVisit;
      for (const Ref<Node>& input : node->inputs) {
        if (input) stack.push_back(input.get());
      }
    }
  }

  /// Makes a visit for each marked node that is requested or leads to a requested one, oldest
  /// first. This sweep visits inputs before outputs; walk() goes the other way. `requested` holds
  /// ids in ascending order.
  void plan_visits(const std::vector<uint64_t>& requested) {
    if (!std::is_sorted(met_.rbegin(), met_.rend(), older)) {
      std::sort(met_.rbegin(), met_.rend(), older);
    }
    visits.reserve(met_.size());
    auto next = requested.begin();
    for (auto met = met_.rbegin(); met != met_.rend(); ++met) {
      Node& node = *met->node;
      while (next != requested.end() && *next < node.id) ++next;
      const bool is_requested = next != requested.end() && *next == node.id;
      const bool inner =
          std::any_of(node.inputs.begin(), node.inputs.end(),
                      [&](const Ref<Node>& input) { return find(input.get()) != nullptr; });
      if (inner) check_not_freed(node, op, loc);
      if (!is_requested && !inner) continue;
      node.slot = visits.size();
      visits.push_back({.node = &node, .requested = is_requested, .inner = inner, .g = {}});
    }
  }

  /// Returns the marked leaves that require a gradient.
  std::vector<Ref<Node>> met_leaves() const {
    std::vector<Ref<Node>> leaves;
    for (const Met& met : met_) {
      if (met.node->is_leaf() && met.node->requires_grad) leaves.emplace_back(met.node);
    }
    return leaves;
  }

  const char* const op;  // "grad" or "backward", for errors
  const SourceLoc loc;
  std::vector<Visit> visits;
  /// One flag per input of the running rule: true if its gradient is wanted. A member, so that its
  /// memory is reused.
  std::vector<char> wanted;

 private:
  uint64_t id_;
  std::vector<Met> met_;
};

/// Holds a node's op while its rule runs. Node::op is null in that time, so a nested pass can
/// neither run nor destroy the op.
class RunningOp {
 public:
  explicit RunningOp(Node& node) : node_(node), op_(std::move(node.op)) {}
  ~RunningOp() { node_.op = std::move(op_); }
  RunningOp(const RunningOp&) = delete;
  RunningOp& operator=(const RunningOp&) = delete;

  const Op* operator->() const { return op_.get(); }
  void free(SourceLoc loc) {
    op_.reset();
    node_.freed = true;
    node_.freed_at = loc;
  }

 private:
  Node& node_;
  std::unique_ptr<const Op> op_;
};

/// Returns g, without its history unless the graph of the gradient is recorded. A rule or hook may
/// return a tensor with a history. A leaf whose gradient leads back to it would own itself.
Tensor without_history(Tensor g) {
  if (!grad_enabled() && g.node()) return g.detach();
  return g;
}

/// Computes sum += g, in place if no other handle shares the sum's storage and nothing is recorded.
void accumulate(Tensor& sum, Tensor g) {
  if (!sum.defined()) {
    sum = without_history(std::move(g));
  } else if (!grad_enabled() && sum.storage()->refs == 1) {
    const int64_t n = sum.numel();
    Scalar* data = sum.mutable_data();
    kernels::active().add({{1, 1, 1, n}, {0, 0, 0, 1}, {0, 0, 0, 1}}, data, g.data(), data);
  } else {
    sum = add(sum, g);
  }
}

/// Runs a node's rule and adds its gradients to the visits of the inputs.
void run_rule(Pass& pass, Visit& visit, bool keep_graph) {
  Node& node = *visit.node;
  check_not_freed(node, pass.op, pass.loc);  // again: a nested pass may have freed it
  std::vector<char>& wanted = pass.wanted;
  wanted.resize(node.inputs.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    wanted[i] = pass.find(node.inputs[i].get()) != nullptr;
  }
  const Tensor g = std::move(visit.g);
  const Differentiating scope(node);
  RunningOp op(node);
  Gradients gradients = op->backward(g, Context(node, wanted));
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    const Node& input = *node.inputs[i];
    if (i >= gradients.size() || !gradients[i].defined() || gradients[i].shape() != input.shape) {
      const bool given = i < gradients.size() && gradients[i].defined();
      fail(node.name, "a gradient needs its input's shape",
           {"input " + std::to_string(i) + "  " + input.shape.str(),
            "gradient " + (given ? gradients[i].shape().str() : "undefined")},
           node.loc);
    }
    if (check_nan()) check_finite(node.name, gradients[i], std::vector<TensorRef>{g}, node.loc);
    accumulate(pass.find(&input)->g, std::move(gradients[i]));
  }
  if (!keep_graph) op.free(pass.loc);
}

/// Runs the rules from the newest node to the oldest, so each gradient is complete when its rule
/// runs. Leaves the gradients of the requested nodes in their visits.
void walk(Pass& pass, bool keep_graph) {
  for (size_t slot = pass.visits.size(); slot-- > 0;) {
    Visit& visit = pass.visits[slot];
    if (!visit.g.defined()) continue;
    if (visit.node->hooks) visit.g = without_history(run_hooks(*visit.node, visit.g));
    if (!visit.inner) continue;
    const Tensor kept = visit.requested ? visit.g : Tensor();
    run_rule(pass, visit, keep_graph);
    visit.g = kept;
  }
}

/// The names that the errors of grad() and backward() give to the arguments.
struct Words {
  const char *op, *output, *input, *graph;
};
constexpr Words kGradWords = {"grad", "output", "input", "outputs' graph"};
constexpr Words kBackwardWords = {"backward", "loss", "leaf", "loss's graph"};

/// Returns the cotangent of outputs[i], which is 1 if the caller gave none.
Tensor first_cotangent(const Tensor& output, const std::vector<Tensor>& cotangents, size_t i,
                       const Words& words, SourceLoc loc) {
  if (!output.defined()) {
    fail(words.op, std::string("the ") + words.output + " is undefined", {}, loc);
  }
  if (cotangents.empty()) {
    if (output.numel() != 1) {
      fail(words.op,
           std::string("the ") + words.output +
               " has more than one element, so it needs a cotangent",
           {words.output + (" " + output.shape().str()), "reduce it to a loss by sum() or mean()"},
           loc);
    }
    return Tensor::ones(output.shape());
  }
  if (!cotangents[i].defined() || cotangents[i].shape() != output.shape()) {
    const Tensor& c = cotangents[i];
    fail(words.op, "a cotangent needs its output's shape",
         {"output     " + output.shape().str(),
          "cotangent  " + (c.defined() ? c.shape().str() : "undefined")},
         loc);
  }
  return cotangents[i];
}

/// Returns the nodes of the caller's inputs or leaves, which must require gradients.
std::vector<Ref<Node>> nodes_of(const std::vector<Tensor>& inputs, const Words& words,
                                SourceLoc loc) {
  std::vector<Ref<Node>> nodes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& x = inputs[i];
    const std::string name = words.input + (" " + std::to_string(i));
    if (!x.defined()) fail(words.op, name + " is undefined", {}, loc);
    if (!x.requires_grad()) {
      const std::string shape = words.input + ("  " + x.shape().str());
      const std::string frozen = ", frozen by set_requires_grad(false)";
      fail(words.op, name + " does not require a gradient",
           {x.node() ? shape + ", " + x.node()->str() + frozen : shape}, loc);
    }
    nodes.push_back(x.node());
  }
  return nodes;
}

/// Does the work of grad(), given the nodes of its inputs. Takes its vectors by value, because a
/// hook may clear the caller's vectors and so release the graph.
std::vector<Tensor> differentiate(const Words& words, std::vector<Tensor> outputs,
                                  std::vector<Ref<Node>> inputs,
                                  const std::vector<Tensor>& cotangents, GradOptions options,
                                  SourceLoc loc) {
  std::vector<Tensor> first;
  for (size_t i = 0; i < outputs.size(); ++i) {
    first.push_back(first_cotangent(outputs[i], cotangents, i, words, loc));
  }
  std::vector<uint64_t> requested;
  for (const Ref<Node>& input : inputs) requested.push_back(input->id);
  std::sort(requested.begin(), requested.end());
  const uint64_t oldest = requested.empty() ? UINT64_MAX : requested.front();

  Pass pass(words.op, loc);
  for (const Tensor& output : outputs) {
    if (output.requires_grad()) pass.collect(output.node().get(), oldest);
  }
  pass.plan_visits(requested);
  const WithGrad recording(options.create_graph);
  for (size_t i = 0; i < outputs.size(); ++i) {
    Visit* const visit = pass.find(outputs[i].node().get());
    if (visit) accumulate(visit->g, std::move(first[i]));
  }
  walk(pass, options.create_graph || options.retain_graph);

  std::vector<Tensor> gradients;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Visit* visit = pass.find(inputs[i].get());
    if (visit && visit->g.defined()) {
      gradients.push_back(visit->g);
    } else if (options.allow_unused) {
      gradients.emplace_back();
    } else {
      fail(words.op, words.input + (" " + std::to_string(i)) + " is not part of the " + words.graph,
           {words.input + ("  " + inputs[i]->shape.str()) + ", " + inputs[i]->str()}, loc);
    }
  }
  return gradients;
}

/// Does the work of backward(), given the nodes of its leaves.
void add_gradients(const Tensor& loss, const std::vector<Ref<Node>>& leaves,
                   BackwardOptions options, SourceLoc loc) {
  const std::vector<Tensor> gradients = differentiate(
      kBackwardWords, {loss}, leaves, {},
      {.retain_graph = options.retain_graph, .allow_unused = options.allow_unused}, loc);
  const NoGrad guard;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!gradients[i].defined()) continue;
    std::unique_ptr<Tensor>& sum = leaves[i]->grad;
    if (!sum) sum = std::make_unique<Tensor>();
    accumulate(*sum, gradients[i]);
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
  return differentiate(kGradWords, outputs, nodes_of(inputs, kGradWords, loc), cotangents, options,
                       loc);
}

void backward(const Tensor& loss, const std::vector<Tensor>& leaves, BackwardOptions options,
              SourceLoc loc) {
  if (leaves.empty()) {
    fail("backward", "the list of leaves is empty",
         {"without a list, backward(loss) adds to every leaf's gradient"}, loc);
  }
  for (const Tensor& leaf : leaves) {
    if (leaf.node() && !leaf.node()->is_leaf()) {
      fail("backward", "gradients are left in leaves, and this tensor was computed",
           {"by " + leaf.node()->str(), "grad() gives the gradient of any tensor"}, loc);
    }
  }
  std::vector<Ref<Node>> once;  // a leaf that is listed twice gets one gradient
  std::set<const Node*> seen;
  for (const Ref<Node>& node : nodes_of(leaves, kBackwardWords, loc)) {
    if (seen.insert(node.get()).second) once.push_back(node);
  }
  add_gradients(loss, once, options, loc);
}

void backward(const Tensor& loss, SourceLoc loc) {
  if (!loss.defined()) fail("backward", "the loss is undefined", {}, loc);
  if (!loss.requires_grad()) {
    fail("backward", "the loss depends on nothing that requires a gradient",
         {"loss  " + loss.shape().str(),
          "it was computed under NoGrad, or from data and frozen parameters alone"},
         loc);
  }
  std::vector<Ref<Node>> leaves;
  {
    Pass pass("backward", loc);
    pass.collect(loss.node().get(), 0);
    leaves = pass.met_leaves();
  }
  if (leaves.empty()) {
    fail("backward", "every leaf of the loss is frozen",
         {"loss  " + loss.shape().str() + ", " + loss.node()->str()}, loc);
  }
  add_gradients(loss, leaves, {}, loc);
}

}  // namespace forger
