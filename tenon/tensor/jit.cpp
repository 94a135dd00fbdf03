#include "tenon/tensor/jit.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include <fmt/format.h>

#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/hash.h"
#include "tenon/base/thread_number.h"
#include "tenon/tensor/jit_changes.h"
#include "tenon/tensor/jit_pattern.h"
#include "tenon/tensor/numbers.h"
#include "tenon/tensor/plans.h"
#include "tenon/tensor/tracing.h"

namespace tenon::detail {

namespace {

/// A compiled version of the function, for arguments that match `pattern`.
struct Version {
  std::vector<Type> pattern;  // dimensions that changed between calls are symbols
  std::vector<bool> donated;  // arguments whose memory the plan reuses
  std::shared_ptr<const Executable> plan;
  std::vector<Buffer> captures;
  bool is_bound = false;  // the plan has the captures
  std::shared_ptr<const std::any> structure;
  /// When it was last looked up, by State::clock.
  std::shared_ptr<std::atomic<uint64_t>> used = std::make_shared<std::atomic<uint64_t>>(0);

  std::span<const DimCondition> conditions() const { return plan->graph().conditions(); }
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

bool matches(const Version& version, std::span<const Type> types) {
  std::optional<SymbolValues> symbols = bind_pattern(version.pattern, types);
  return symbols && !broken_condition(version.conditions(), *symbols);
}

/// Whether the version runs at these sizes: slices may need axes to be longer than they are.
bool serves(const Version& version, std::span<const Type> types) {
  std::vector<std::vector<int64_t>> shapes;
  for (const Type& type : types) shapes.push_back(type.shape.constants());
  if (!version.is_bound) {
    for (const Buffer& capture : version.captures) shapes.push_back(capture.shape());
  }
  try {
    version.plan->prepare(shapes);
  } catch (const Error& error) {
    return error.code() != ErrorCode::out_of_range && error.code() != ErrorCode::shape_mismatch;
  }
  return true;
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

  /// The version for some exact types, found without looking at patterns.
  struct Known {
    VersionRef version;
    std::atomic<uint64_t> used = 0;
  };

  JitOptions options;
  /// The time of the latest use. It goes on when something else is used, so that threads that call
  /// for the same types write nothing.
  std::atomic<uint64_t> clock = 0;
  std::atomic<size_t> compilations = 0, evictions = 0, versions = 0;
  /// In parts, so that threads that call at once do not write to one line of the cache.
  struct alignas(64) Hits {
    std::atomic<size_t> count = 0;
  };
  std::array<Hits, 16> hits;
  JitChanges changes;
  ForkSafeSharedMutex mutex;  // a family's is tried with it, and it is never taken with that
  std::unordered_map<Hash128, Known> by_types;
  std::unordered_map<Hash128, std::shared_ptr<Family>> families;
  uint32_t generation = fork_generation();  // that the families belong to

  VersionRef find(const Hash128& key) {
    std::shared_lock lock(mutex);
    auto found = by_types.find(key);
    if (found == by_types.end()) return nullptr;
    if (found->second.used.load(std::memory_order_relaxed) != clock.load()) {
      const uint64_t now = ++clock;
      found->second.used.store(now, std::memory_order_relaxed);
      found->second.version->used->store(now, std::memory_order_relaxed);
    }
    return found->second.version;
  }

  void count_hit() {
    hits[thread_number() % hits.size()].count.fetch_add(1, std::memory_order_relaxed);
  }

  size_t all_hits() const {
    size_t sum = 0;
    for (const Hits& part : hits) sum += part.count.load(std::memory_order_relaxed);
    return sum;
  }

  std::shared_ptr<Family> family(const Hash128& key) {
    std::scoped_lock lock(mutex);
    forget_abandoned();
    std::shared_ptr<Family>& family = families[key];
    if (!family) family = std::make_shared<Family>();
    return family;
  }

  /// In a child of fork: families that threads of the parent were compiling for stay locked for
  /// ever. Those still have their handles, so that nothing half changed is taken down.
  void forget_abandoned() {
    if (generation == fork_generation()) return;
    generation = fork_generation();
    size_t kept = 0;
    std::erase_if(families, [&](const auto& entry) {
      const std::unique_lock lock(entry.second->mutex, std::try_to_lock);
      if (lock) kept += entry.second->versions.size();
      return !lock;
    });
    versions = kept;
  }

  /// After a call that failed: nobody else holds a family whose only handle is the table's.
  void forget_empty(const Hash128& key) {
    std::scoped_lock lock(mutex);
    auto found = families.find(key);
    bool unused = found != families.end() && found->second.use_count() == 1;
    if (unused && found->second->versions.empty()) families.erase(found);
  }

  using Dropped = std::vector<VersionRef>;  // freed when no lock is held

  void remember(const Hash128& key, const VersionRef& version) {
    Dropped dropped;
    std::scoped_lock lock(mutex);
    Known& known = by_types[key];
    dropped.push_back(std::exchange(known.version, version));
    known.used = ++clock;
    version->used->store(known.used);
    if (by_types.size() > std::max<size_t>(options.max_sizes, 1)) forget_older_half(dropped);
    while (versions > std::max<size_t>(options.max_versions, 1) && evict_one(dropped)) {
    }
  }

  /// Half at once, so that one call in many pays for looking through all.
  void forget_older_half(Dropped& dropped) {
    std::vector<uint64_t> times;
    for (const auto& [key, known] : by_types) times.push_back(known.used);
    auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    forget_types(dropped, [&](const Known& known) { return known.used < *middle; });
  }

  template <class Condition>
  void forget_types(Dropped& dropped, Condition&& condition) {
    std::erase_if(by_types, [&](auto& entry) {
      if (!condition(entry.second)) return false;
      dropped.push_back(std::move(entry.second.version));
      return true;
    });
  }

  /// Drops the version that was not used for longest; false where others are still compiling. Who
  /// runs it holds it until then.
  bool evict_one(Dropped& dropped) {
    std::unordered_map<Hash128, std::shared_ptr<Family>>::iterator oldest = families.end();
    size_t index = 0;
    uint64_t least = UINT64_MAX;
    for (auto it = families.begin(); it != families.end(); ++it) {
      std::unique_lock lock(it->second->mutex, std::try_to_lock);
      if (!lock) continue;
      const auto& all = it->second->versions;
      for (size_t i = 0; i < all.size(); ++i) {
        if (all[i]->used->load() >= least) continue;
        least = all[i]->used->load();
        oldest = it;
        index = i;
      }
    }
    if (oldest == families.end()) return false;
    std::unique_lock lock(oldest->second->mutex, std::try_to_lock);
    auto& all = oldest->second->versions;
    if (!lock || index >= all.size() || all[index]->used->load() != least) return false;
    VersionRef victim = all[index];
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(index));
    const bool empty = all.empty();
    lock.unlock();
    if (empty && oldest->second.use_count() == 1) families.erase(oldest);
    forget_types(dropped, [&](const Known& known) { return known.version->used == victim->used; });
    dropped.push_back(std::move(victim));
    --versions;
    ++evictions;
    return true;
  }

  std::shared_ptr<const Executable> plan_for(const Graph& graph, std::vector<bool> donated,
                                             const std::vector<Buffer>& captures) {
    CompileOptions compile_options;
    compile_options.memory_limit = options.memory_limit;
    compile_options.exact_convolutions = options.exact_convolutions;
    compile_options.donated = std::move(donated);
    compile_options.donated.resize(graph.inputs().size(), false);  // captures are kept
    const size_t arguments = graph.inputs().size() - captures.size();
    for (size_t i = 0; options.bind_captures && i < captures.size(); ++i)
      compile_options.bound.emplace(arguments + i, captures[i]);
    ++compilations;
    return make_plan(graph, std::move(compile_options));
  }

  static Traced traced(const JitRequest& request, std::span<const Type> pattern) {
    std::vector<std::string> names = request.leaf_names();
    auto f = [&](std::vector<Tensor> arguments) {
      for (size_t i = 0; i < arguments.size(); ++i) {
        if (request.is_number[i]) arguments[i] = weak_number(arguments[i]);
      }
      return request.function(std::move(arguments));
    };
    return trace(f, pattern, "jit", names);
  }

  VersionRef compile(const JitRequest& request, Traced traced, std::vector<Type> pattern,
                     const std::vector<bool>& donated) {
    eval(traced.captures);
    auto version = std::make_shared<Version>();
    for (const Tensor& capture : traced.captures) version->captures.push_back(capture.buffer());
    version->is_bound = options.bind_captures;
    version->plan = plan_for(*traced.graph, donated, version->captures);
    version->pattern = std::move(pattern);
    version->donated = donated;
    version->structure = std::make_shared<const std::any>(request.structure());
    return version;
  }

  /// The same program with more arguments reused.
  VersionRef with_donated(const Version& version, const std::vector<bool>& donated) {
    auto made = std::make_shared<Version>(version);
    for (size_t i = 0; i < donated.size(); ++i) made->donated[i] = made->donated[i] || donated[i];
    made->plan = plan_for(version.plan->graph(), made->donated, made->captures);
    return made;
  }

  /// A version with symbols for what differs from the version `like`; null where there is none for
  /// these sizes. Where sizes meet that were different for the program, it is traced again with
  /// fewer symbols, until all that it asked holds.
  VersionRef with_symbols(const JitRequest& request, const Family& family, const Version& like,
                          std::span<const Type> types, const std::vector<bool>& donated) {
    std::vector<Type> pattern = generalised(like.pattern, types);
    while (true) {
      std::optional<SymbolValues> symbols = bind_pattern(pattern, types);
      if (!symbols) return nullptr;
      auto known = std::ranges::find(family.versions, pattern, &Version::pattern);
      if (known != family.versions.end()) {
        const DimCondition* broken = broken_condition((*known)->conditions(), *symbols);
        if (!broken) return nullptr;  // it fits, but does not serve
        pattern = coinciding(pattern, *broken, *symbols);
        continue;
      }
      Traced made = traced(request, pattern);
      const DimCondition* broken = broken_condition(made.graph->conditions(), *symbols);
      if (!broken) return compile(request, std::move(made), std::move(pattern), donated);
      pattern = coinciding(pattern, *broken, *symbols);
    }
  }

  VersionRef add_version(const JitRequest& request, Family& family, std::span<const Type> types,
                         const std::vector<bool>& donated) {
    std::scoped_lock lock(family.mutex);
    for (VersionRef& version : family.versions) {
      if (!matches(*version, types)) continue;
      if (!serves(*version, types)) {
        family.needs_numbers = true;
        continue;
      }
      if (reuses(*version, donated)) {
        count_hit();
      } else {
        version = with_donated(*version, donated);
      }
      return version;
    }
    changes.note(request, types, compilations);
    VersionRef made;
    auto like = std::find_if(
        family.versions.rbegin(), family.versions.rend(),
        [&](const VersionRef& known) { return specialised_alike(known->pattern, types); });
    bool use_symbols = options.symbolic && like != family.versions.rend() && !family.needs_numbers;
    if (use_symbols) {
      try {
        made = with_symbols(request, family, **like, types, donated);
        if (made && !serves(*made, types)) made = nullptr;
      } catch (const Error&) {
        // The function asks for sizes as numbers, or relates sizes that were equal by chance, or is
        // wrong: the next attempt tells.
      }
    }
    if (!made) {
      std::vector<Type> numbers(types.begin(), types.end());
      Traced again = traced(request, numbers);
      made = compile(request, std::move(again), std::move(numbers), donated);
      if (use_symbols) family.needs_numbers = true;
    }
    made->used->store(++clock);
    family.versions.push_back(made);
    ++versions;
    return made;
  }

  VersionRef version_for(const JitRequest& request, std::span<const Type> types,
                         const std::vector<bool>& donated) {
    Hash128 key = key_of(request.static_key, types, true);
    VersionRef version = find(key);
    if (version && reuses(*version, donated)) {
      count_hit();
      return version;
    }
    const Hash128 family_key = key_of(request.static_key, types, false);
    std::shared_ptr<Family> shared = family(family_key);
    try {
      version = add_version(request, *shared, types, donated);
    } catch (...) {
      shared.reset();
      forget_empty(family_key);
      throw;
    }
    remember(key, version);
    return version;
  }
};

JitCache::JitCache(JitOptions options) : state_(std::make_shared<State>(options)) {}

JitStatistics JitCache::statistics() const {
  return {state_->compilations, state_->all_hits(), state_->versions, state_->evictions};
}

namespace {

/// Whether this is the only handle on the value and its memory.
bool is_ours(const Tensor& tensor) {
  return tensor.node().use_count() == 1 && tensor.node()->buffer.unique();
}

/// A number as the plan takes it: fractions in f64, whatever they meet.
Tensor with_all_digits(const Tensor& number) {
  return number.node()->is_fraction ? Tensor(number_node(number.node()->number, DType::f64))
                                    : number;
}

/// The memory of a value; taken away from a node that nobody else can see.
Buffer take_buffer(const Tensor& tensor) {
  TensorNode& node = *tensor.node();
  return is_ours(tensor) ? std::move(node.buffer) : node.buffer;
}

}  // namespace

JitCache::Results JitCache::call(const JitRequest& request, std::vector<Tensor> arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].has_value())
      require(arguments[i], fmt::format("jit: argument '{}'", request.leaf_names()[i]));
  }
  if (is_tracing()) {  // numbers are constants of the outer function
    std::vector<Tensor> leaves = request.function(std::move(arguments));
    return {std::move(leaves), std::make_shared<const std::any>(request.structure())};
  }
  eval(arguments);
  std::vector<Type> types;
  std::vector<bool> donated;
  types.reserve(arguments.size());
  donated.reserve(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool number = request.is_number[i];
    if (number) arguments[i] = with_all_digits(arguments[i]);
    types.push_back(arguments[i].type());
    donated.push_back(!number && state_->options.donate && is_ours(arguments[i]));
  }
  VersionRef version = state_->version_for(request, types, donated);
  std::vector<Buffer> inputs;
  inputs.reserve(arguments.size() + version->captures.size());
  for (const Tensor& argument : arguments) inputs.push_back(take_buffer(argument));
  arguments.clear();
  if (!version->is_bound)
    inputs.insert(inputs.end(), version->captures.begin(), version->captures.end());
  Results results;
  results.structure = version->structure;
  for (Buffer& buffer : version->plan->run(std::move(inputs)))
    results.leaves.emplace_back(std::move(buffer));
  return results;
}

}  // namespace tenon::detail
