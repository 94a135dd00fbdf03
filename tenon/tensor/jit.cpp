#include "tenon/tensor/jit.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include <fmt/format.h>

#include "tenon/base/hash.h"
#include "tenon/tensor/node.h"
#include "tenon/tensor/plans.h"

namespace tenon::detail {

namespace {

/// A compiled version of the function, for arguments that match `pattern`.
struct Version {
  std::vector<Type> pattern;  // dimensions that changed between calls are symbols
  std::vector<bool> donated;  // arguments whose memory the plan reuses
  std::shared_ptr<const Executable> plan;
  std::vector<Buffer> captures;
  std::shared_ptr<const std::any> structure;
};
using VersionRef = std::shared_ptr<const Version>;

/// All versions for arguments of one structure, rank and dtype.
struct Family {
  std::mutex mutex;  // one thread traces and compiles, others wait for its result
  std::vector<VersionRef> versions;
  bool needs_numbers = false;  // tracing with symbols failed: one version for every shape
};

/// Whether all arguments that may be reused are: a plan that reuses more would copy those first.
bool reuses(const Version& version, const std::vector<bool>& donated) {
  for (size_t i = 0; i < donated.size(); ++i) {
    if (donated[i] && !version.donated[i]) return false;
  }
  return true;
}

/// Sizes that broadcast, that squeeze() takes away or that leave nothing to reduce: the function
/// may give other shapes there, so symbols do not stand for them.
bool is_special(int64_t size) { return size == 0 || size == 1; }

bool matches(const Version& version, std::span<const Type> types) {
  std::map<std::string, int64_t, std::less<>> symbols;
  for (size_t i = 0; i < types.size(); ++i) {
    for (size_t axis = 0; axis < types[i].rank(); ++axis) {
      const Dim& wanted = version.pattern[i].dim(axis);
      int64_t size = types[i].dim(axis).constant();
      if (wanted.is_constant()) {
        if (!wanted.is(size)) return false;
      } else if (is_special(size) ||
                 symbols.try_emplace(wanted.to_string(), size).first->second != size) {
        return false;
      }
    }
  }
  return true;
}

/// Whether the version runs at these sizes: slices may need axes to be longer than they are.
bool serves(const Version& version, std::span<const Type> types) {
  std::vector<std::vector<int64_t>> shapes;
  for (const Type& type : types) shapes.push_back(type.shape.constants());
  for (const Buffer& capture : version.captures) shapes.push_back(capture.shape());
  try {
    version.plan->prepare(shapes);
  } catch (const Error& error) {
    return error.code() != ErrorCode::out_of_range && error.code() != ErrorCode::shape_mismatch;
  }
  return true;
}

/// Whether sizes of 0 and 1 are in the same places in both.
bool specialised_alike(std::span<const Type> known, std::span<const Type> types) {
  for (size_t i = 0; i < types.size(); ++i) {
    for (size_t axis = 0; axis < types[i].rank(); ++axis) {
      const Dim& dim = known[i].dim(axis);
      int64_t size = types[i].dim(axis).constant();
      bool special = is_special(size) || (dim.is_constant() && is_special(dim.constant()));
      if (special && !dim.is(size)) return false;
    }
  }
  return true;
}

/// `known` with a symbol for every dimension that differs from `types`. Dimensions that changed
/// together, from and to the same sizes, get one symbol.
std::vector<Type> generalise(std::span<const Type> known, std::span<const Type> types) {
  std::map<std::pair<std::string, int64_t>, Dim> symbols;
  std::vector<Type> general(known.begin(), known.end());
  for (size_t i = 0; i < general.size(); ++i) {
    for (size_t axis = 0; axis < general[i].rank(); ++axis) {
      Dim& dim = general[i].shape[axis];
      int64_t size = types[i].dim(axis).constant();
      if (dim.is(size)) continue;
      auto key = std::pair(dim.to_string(), size);
      auto found = symbols.find(key);
      if (found == symbols.end()) {
        std::string base = axis == 0 ? "batch" : "size";
        std::string name = symbols.empty() ? base : fmt::format("{}{}", base, symbols.size() + 1);
        found = symbols.emplace(key, Dim::symbol(name)).first;
      }
      dim = found->second;
    }
  }
  return general;
}

void add_type(Hasher& hasher, const Type& type, bool sizes) {
  hasher.add(type.dtype).add(type.rank());
  if (!sizes) return;
  for (const Dim& dim : type.shape) dim.hash(hasher);
}

Hash128 key_of(const std::string& static_key, std::span<const Type> types, bool sizes) {
  Hasher hasher;
  hasher.add(static_key);
  for (const Type& type : types) add_type(hasher, type, sizes);
  return hasher.finish();
}

}  // namespace

struct JitCache::State {
  explicit State(JitOptions given) : options(given) {}

  JitOptions options;
  std::atomic<size_t> compilations = 0;
  std::shared_mutex mutex;
  std::unordered_map<Hash128, VersionRef> by_types;
  std::unordered_map<Hash128, std::shared_ptr<Family>> families;

  VersionRef find(const Hash128& key) {
    std::shared_lock lock(mutex);
    auto found = by_types.find(key);
    return found == by_types.end() ? nullptr : found->second;
  }

  std::shared_ptr<Family> family(const Hash128& key) {
    std::scoped_lock lock(mutex);
    std::shared_ptr<Family>& family = families[key];
    if (!family) family = std::make_shared<Family>();
    return family;
  }

  std::shared_ptr<const Executable> plan_for(const Graph& graph, std::vector<bool> donated) {
    CompileOptions compile_options;
    compile_options.memory_limit = options.memory_limit;
    compile_options.exact_convolutions = options.exact_convolutions;
    compile_options.donated = std::move(donated);
    compile_options.donated.resize(graph.inputs().size(), false);  // captures are kept
    ++compilations;
    return make_plan(graph, std::move(compile_options));
  }

  VersionRef compile(const Request& request, std::vector<Type> pattern,
                     const std::vector<bool>& donated) {
    std::vector<std::string> names = request.names();
    Traced traced = trace(request.function, pattern, "jit", names);
    eval(traced.captures);
    auto version = std::make_shared<Version>();
    for (const Tensor& capture : traced.captures) version->captures.push_back(capture.buffer());
    version->plan = plan_for(*traced.graph, donated);
    version->pattern = std::move(pattern);
    version->donated = donated;
    version->structure = std::make_shared<const std::any>(request.structure());
    return version;
  }

  /// The same program with more arguments reused.
  VersionRef with_donated(const Version& version, const std::vector<bool>& donated) {
    auto made = std::make_shared<Version>(version);
    for (size_t i = 0; i < donated.size(); ++i) made->donated[i] = made->donated[i] || donated[i];
    made->plan = plan_for(version.plan->graph(), made->donated);
    return made;
  }

  VersionRef add_version(const Request& request, Family& family, std::span<const Type> types,
                         const std::vector<bool>& donated) {
    std::scoped_lock lock(family.mutex);
    for (VersionRef& version : family.versions) {
      if (!matches(*version, types)) continue;
      if (!serves(*version, types)) {
        family.needs_numbers = true;
        continue;
      }
      if (!reuses(*version, donated)) version = with_donated(*version, donated);
      return version;
    }
    VersionRef made;
    auto like = std::find_if(
        family.versions.rbegin(), family.versions.rend(),
        [&](const VersionRef& known) { return specialised_alike(known->pattern, types); });
    bool with_symbols = options.symbolic && like != family.versions.rend() && !family.needs_numbers;
    if (with_symbols) {
      try {
        made = compile(request, generalise((*like)->pattern, types), donated);
        if (!serves(*made, types)) made = nullptr;
      } catch (const Error&) {
        // The function asks for sizes as numbers, or relates sizes that were equal by chance, or is
        // wrong: the next attempt tells.
      }
    }
    if (!made) {
      made = compile(request, std::vector<Type>(types.begin(), types.end()), donated);
      if (with_symbols) family.needs_numbers = true;
    }
    family.versions.push_back(made);
    return made;
  }

  VersionRef version_for(const Request& request, std::span<const Type> types,
                         const std::vector<bool>& donated) {
    Hash128 key = key_of(request.static_key, types, true);
    VersionRef version = find(key);
    if (version && reuses(*version, donated)) return version;
    std::shared_ptr<Family> shared = family(key_of(request.static_key, types, false));
    version = add_version(request, *shared, types, donated);
    std::scoped_lock lock(mutex);
    by_types[key] = version;
    return version;
  }
};

JitCache::JitCache(JitOptions options) : state_(std::make_shared<State>(options)) {}

size_t JitCache::compilations() const { return state_->compilations; }

namespace {

/// Whether this is the only handle on the value and its memory.
bool is_ours(const Tensor& tensor) {
  return tensor.node().use_count() == 1 && tensor.node()->buffer.unique();
}

/// The memory of a value; taken away from a node that nobody else can see.
Buffer take_buffer(const Tensor& tensor) {
  TensorNode& node = *tensor.node();
  return is_ours(tensor) ? std::move(node.buffer) : node.buffer;
}

}  // namespace

JitCache::Results JitCache::call(const Request& request, std::vector<Tensor> arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].has_value())
      require(arguments[i], fmt::format("jit: argument '{}'", request.names()[i]));
  }
  if (is_tracing()) {
    std::vector<Tensor> leaves = request.function(std::move(arguments));
    return {std::move(leaves), std::make_shared<const std::any>(request.structure())};
  }
  eval(arguments);
  std::vector<Type> types;
  std::vector<bool> donated;
  types.reserve(arguments.size());
  donated.reserve(arguments.size());
  for (const Tensor& argument : arguments) {
    types.push_back(argument.type());
    donated.push_back(state_->options.donate && is_ours(argument));
  }
  VersionRef version = state_->version_for(request, types, donated);
  std::vector<Buffer> inputs;
  inputs.reserve(arguments.size() + version->captures.size());
  for (const Tensor& argument : arguments) inputs.push_back(take_buffer(argument));
  arguments.clear();
  inputs.insert(inputs.end(), version->captures.begin(), version->captures.end());
  Results results;
  results.structure = version->structure;
  for (Buffer& buffer : version->plan->run(std::move(inputs)))
    results.leaves.emplace_back(std::move(buffer));
  return results;
}

}  // namespace tenon::detail
