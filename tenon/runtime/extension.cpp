#include "tenon/runtime/extension.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/strings.h"
#include "tenon/ops/registry.h"

namespace tenon {

namespace {

struct Loaded {
  std::mutex mutex;
  std::vector<Extension> extensions;
};

/// Never destroyed, as what is made of them.
Loaded& loaded() {
  static constinit MadeOnce<Loaded> loaded;
  return loaded.get([] { return new Loaded; });
}

void state_ops(const Extension& extension, OpRegistry& ops) {
  if (!extension.ops) return;
  OpFamily family(ops, extension.name);
  extension.ops(family);
}

/// The ops that there are if this extension is loaded after the others.
void check_ops(const Extension& extension, const std::vector<Extension>& before, OpRegistry& ops) {
  register_core_ops(ops);
  for (const Extension& other : before) state_ops(other, ops);
  state_ops(extension, ops);
}

void check_kernels(const Extension& extension, const OpRegistry& ops) {
  for (const KernelEntry& entry : extension.kernels) {
    if (entry.name.empty())
      fail(ErrorCode::invalid_argument, "a kernel for {} has no name", entry.op);
    if (!entry.claims || !entry.make)
      fail(ErrorCode::invalid_argument, "kernel '{}' lacks {}", entry.name,
           entry.claims ? "make" : "claims");
    if (entry.op != "*") ops.get(entry.op);
  }
}

void check_passes(const Extension& extension) {
  std::vector<std::string> names;
  for (const Pass& pass : standard_passes()) names.push_back(pass.name);
  for (const PlacedPass& placed : extension.passes) {
    const std::string& name = placed.pass.name;
    if (name.empty() || !placed.pass.run)
      fail(ErrorCode::invalid_argument, "pass '{}' lacks {}", name,
           name.empty() ? "a name" : "a function");
    if (std::ranges::find(names, name) != names.end())
      fail(ErrorCode::already_exists, "there is a pass '{}' already", name);
    if (std::ranges::find(names, placed.after) == names.end()) {
      throw make_error(ErrorCode::not_found, "there is no pass '{}' that '{}' could follow",
                       placed.after, name)
          .note("{}", hint(placed.after, names));
    }
    names.push_back(name);
  }
}

void check_extension(const Extension& extension, const std::vector<Extension>& before) {
  if (extension.name.empty()) fail(ErrorCode::invalid_argument, "it has no name");
  if (std::ranges::find(before, extension.name, &Extension::name) != before.end())
    fail(ErrorCode::already_exists, "it is loaded already");
  OpRegistry ops;
  check_ops(extension, before, ops);
  check_kernels(extension, ops);
  check_passes(extension);
}

void take(Extension extension, std::vector<Extension>& all) {
  extend_core_ops([extension](OpRegistry& ops) { state_ops(extension, ops); },
                  [&] {
                    extend_cpu_kernels(extension.kernels);
                    for (const PlacedPass& placed : extension.passes)
                      extend_standard_passes(placed.pass, placed.after);
                    all.push_back(extension);
                  });
}

}  // namespace

void load(Extension extension) {
  // A statement that loads would wait for itself.
  static thread_local bool loading = false;
  if (loading) {
    fail(ErrorCode::invalid_argument, "extension '{}' is loaded while another defines its ops",
         extension.name);
  }
  struct Loading {
    Loading() { loading = true; }
    ~Loading() { loading = false; }
  } const mark;
  Loaded& all = loaded();
  const std::scoped_lock lock(all.mutex);
  try {
    check_extension(extension, all.extensions);
    take(extension, all.extensions);
  } catch (Error& error) {
    error.note("while loading extension '{}'", extension.name);
    throw;
  }
}

std::vector<std::string> loaded_extensions() {
  Loaded& all = loaded();
  const std::scoped_lock lock(all.mutex);
  std::vector<std::string> names;
  for (const Extension& extension : all.extensions) names.push_back(extension.name);
  return names;
}

}  // namespace tenon
