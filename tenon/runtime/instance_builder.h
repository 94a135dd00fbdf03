// Binds a program to sizes: the work behind Instance's constructor.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tenon/compile/memory_plan.h"
#include "tenon/runtime/instance.h"
#include "tenon/runtime/steps.h"

namespace tenon {

class InstanceBuilder {
 public:
  InstanceBuilder(Instance& instance, const SymbolValues& symbols, const InstanceOptions& options,
                  const KnownValues& known);
  void build();

 private:
  /// Memory shared by values, temporaries or scratch. `arena_buffer_` is its buffer in the arena.
  struct Storage {
    enum class Kind : uint8_t { arena, input, output, constant } kind = Kind::arena;
    uint32_t index = 0;  // of the input, output or constant; kNone in the arena
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  ConcreteType concrete(const Type& type) const;
  /// Compresses paths while following them: results written in place make long ones.
  ValueId root_of(ValueId value) const {
    while (root_[value.index] != value) {
      ValueId& next = root_[value.index];
      next = root_[next.index];
      value = next;
    }
    return value;
  }
  int64_t bytes_of(ValueId value) const;

  /// The value of a view, constant or known value; none if it differs between runs.
  std::optional<Literal> known_value(ValueId value) const;
  bool is_known(const Node& node) const;
  uint32_t add_constant(std::shared_ptr<const void> owner, const std::byte* data);
  KnownValues known_in_region(const Node& node, const Graph& graph) const;

  void resolve_views();
  void find_steps();
  void number_steps();
  void assign_outputs();
  void donate_inputs();
  bool may_overwrite(const Node& node, ValueId result, ValueId input) const;
  void reuse_dying_inputs();
  void assign_arena();
  uint32_t add_arena_buffer(int64_t bytes, int32_t first, int32_t last);
  uint32_t add_scratch(int64_t bytes) { return add_arena_buffer(bytes, now_, now_); }
  Location location(ValueId value) const;
  Location arena_location(uint32_t buffer) const;
  Location constant_location(uint32_t constant) const;
  std::vector<Location> locations(std::span<const ValueId> values) const;

  /// First the scratch that each node needs is collected, then memory is placed, then steps are
  /// made.
  struct Prepared {
    ChosenKernel kernel;
    Attributes attributes;          // with every dimension a number
    std::vector<uint32_t> scratch;  // arena buffers
    std::vector<const Instance*> regions;
    std::vector<std::pair<size_t, uint32_t>> packed;  // inputs: constants of the instance
    std::vector<std::pair<size_t, uint32_t>>
        repeated;  // inputs: arena buffers filled before the runs
  };
  void prepare_node(NodeId id, Prepared& prepared);
  void prepare_regions(NodeId id, Prepared& prepared);
  void prepare_kernel(NodeId id, Prepared& prepared);
  /// The input of a loop's body that `value` is a view of, if that is the same in all of its steps.
  std::optional<size_t> repeated_input(ValueId value) const;
  void pack_inputs(NodeId id, Prepared& prepared);
  void make_steps(NodeId id, Prepared& prepared);
  /// One for each floating elementwise operation and element, and for each element that is reduced.
  double flops_of(const Graph& body) const;
  void make_fusion_steps(NodeId id, const FusionCode& code, const Prepared& prepared);
  void make_control_step(NodeId id, const Prepared& prepared);
  void add_step(std::unique_ptr<Step> step, const Node& node);
  void copy_remaining_outputs();

  Instance& instance_;
  const Program& program_;
  const Graph& graph_;
  const SymbolValues& symbols_;
  const InstanceOptions& options_;
  const KnownValues& known_;

  mutable std::vector<ValueId> root_;   // per value: the value whose memory it is a view of
  std::vector<int32_t> first_, last_;   // per root value: steps that write and last read it
  std::vector<Storage> storage_;        // per root value
  std::vector<uint32_t> arena_buffer_;  // per root value
  std::vector<Lifetime> arena_;
  MemoryPlan plan_;
  int32_t now_ = 0;

  mutable std::vector<int64_t> bytes_;  // per value, or -1: not asked for yet
  std::vector<bool> has_step_;          // per node
  std::vector<NodeId> order_;
  std::vector<Prepared> prepared_;  // of the nodes in order_
};

}  // namespace tenon
