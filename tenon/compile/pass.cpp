#include "tenon/compile/pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/log.h"
#include "tenon/base/strings.h"
#include "tenon/graph/text.h"
#include "tenon/graph/verify.h"

namespace tenon {

namespace {

struct Placed {
  Pass pass;
  std::string after;
};

/// Of extensions, in the order in which they were loaded. Never destroyed.
std::vector<Placed>& placed_passes() {
  static constinit MadeOnce<std::vector<Placed>> placed;
  return placed.get([] { return new std::vector<Placed>; });
}

}  // namespace

void extend_standard_passes(Pass pass, std::string after) {
  placed_passes().push_back({std::move(pass), std::move(after)});
}

std::vector<Pass> standard_passes() {
  std::vector<Pass> passes = {
      {"hoist", hoist_from_loops},
      {"inline", inline_calls},
      {"check-indices", check_indices},
      {"decompose", decompose_composites},
      {"dead", eliminate_dead_code},
      {"simplify", simplify},
      {"cse", eliminate_common_subexpressions},
      {"simplify-again", simplify},
      {"cse-again", eliminate_common_subexpressions},
      {"dead-again", eliminate_dead_code},
      {"rematerialise", rematerialise},
      {"fuse", fuse},
  };
  for (const Placed& placed : placed_passes()) {
    auto at = std::ranges::find(passes, placed.after, &Pass::name);
    check(at != passes.end(), "load() has looked for the pass that another one stands behind");
    passes.insert(at + 1, placed.pass);
  }
  return passes;
}

std::unique_ptr<Graph> PassManager::run(const Graph& graph, const std::vector<Pass>& passes) {
  std::vector<std::string> names{"all"};
  for (const Pass& pass : passes) names.push_back(pass.name);
  for (const auto* list : {&options_.disabled, &options_.print_after}) {
    for (const std::string& name : *list) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      throw make_error(ErrorCode::invalid_argument, "there is no pass '{}'", name)
          .note("{}", hint(name, names));
    }
  }
  auto listed = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  verify(graph);
  const Graph* current = &graph;
  std::unique_ptr<Graph> changed;
  for (const Pass& pass : passes) {
    if (listed(options_.disabled, pass.name)) continue;
    auto start = std::chrono::steady_clock::now();
    std::unique_ptr<Graph> next = pass.run(*current, context_);
    std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    times_.push_back({pass.name, elapsed.count()});
    if (next) {
      changed = std::move(next);
      current = changed.get();
      verify(*current);
    }
    if (listed(options_.print_after, pass.name) || listed(options_.print_after, "all")) {
      log(LogLevel::info, "after {}:\n{}", pass.name,
          to_text(*current, {.max_literal_elements = 8}));
    }
  }
  if (log_level() <= LogLevel::debug) {
    std::string text;
    for (const PassTime& time : times_)
      text += fmt::format(" {} {:.2f}", time.name, 1e3 * time.seconds);
    log_debug("passes over '{}', ms:{}", graph.name(), text);
  }
  return changed ? std::move(changed) : std::make_unique<Graph>(graph);
}

}  // namespace tenon
