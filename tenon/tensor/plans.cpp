#include "tenon/tensor/plans.h"

#include <bit>

#include "tenon/ops/registry.h"

namespace tenon::detail {

namespace {

/// Two lanes of multiply-and-fold mixing (the step of wyhash): a few nanoseconds a word, no memory.
class KeyMixer {
 public:
  void add(uint64_t value) {
    low_ = fold(low_ ^ value, 0x9E3779B97F4A7C15u);
    high_ = fold(high_ + std::rotl(value, 32), 0xD6E8FEB86659FD93u) ^ value;
  }
  void add(const Hash128& value) {
    add(value.low);
    add(value.high);
  }
  void add(const void* pointer) { add(reinterpret_cast<uintptr_t>(pointer)); }
  void add(std::string_view text) { add(hash_bytes(text.data(), text.size())); }
  Hash128 finish() const {
    return {fold(low_ ^ high_, 0xA0761D6478BD642Fu), fold(high_ + 1, 0xE7037ED1A0B428DBu) ^ low_};
  }

 private:
  static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t low_ = 0x2D358DCCAA6C78A5u;
  uint64_t high_ = 0x8BB84B93962EACC9u;
};

void add_dim(KeyMixer& mixer, const Dim& dim) {
  if (dim.is_constant()) {
    mixer.add(static_cast<uint64_t>(dim.constant()));
  } else {
    mixer.add(dim.to_string());
  }
}

struct AttributeMixer {
  KeyMixer& mixer;

  void operator()(bool value) const { mixer.add(uint64_t{value}); }
  void operator()(int64_t value) const { mixer.add(static_cast<uint64_t>(value)); }
  void operator()(double value) const { mixer.add(std::bit_cast<uint64_t>(value)); }
  void operator()(const std::string& value) const { mixer.add(std::string_view(value)); }
  void operator()(DType value) const { mixer.add(static_cast<uint64_t>(value)); }
  void operator()(const Integers& values) const {
    mixer.add(values.size());
    for (int64_t value : values) (*this)(value);
  }
  void operator()(const Reals& values) const {
    mixer.add(values.size());
    for (double value : values) (*this)(value);
  }
  void operator()(const Shape& shape) const {
    mixer.add(shape.rank());
    for (const Dim& dim : shape) add_dim(mixer, dim);
  }
  void operator()(const LiteralRef& literal) const {
    (*this)(literal->dtype());
    (*this)(literal->shape());
    mixer.add(hash_bytes(literal->data(), literal->bytes()));
  }
  void operator()(const GraphRef& graph) const { mixer.add(graph->structural_hash()); }
  void operator()(const Types& types) const {
    mixer.add(types.size());
    for (const Type& type : types) {
      (*this)(type.dtype);
      (*this)(type.shape);
    }
  }
};

const Hash128& attributes_key(PendingCall& call) {
  if (!call.attributes_hashed) {
    KeyMixer mixer;
    for (const auto& [name, value] : call.attributes) {
      mixer.add(std::string_view(name));
      mixer.add(static_cast<uint64_t>(value.kind()));
      std::visit(AttributeMixer{mixer}, value.storage());
    }
    call.attributes_hash = mixer.finish();
    call.attributes_hashed = true;
  }
  return call.attributes_hash;
}

/// Tells inputs, and results of calls, apart by where they come from in the section.
uint64_t place(const Section& section, const TensorNode& node) {
  if (!section.computes(node)) return node.mark.index;
  return uint64_t{1} << 63 | uint64_t{node.output} << 32 | node.call->mark.index;
}

}  // namespace

Hash128 structural_key(const Section& section, std::span<const NodeRef* const> outputs) {
  KeyMixer mixer;
  mixer.add(section.leaves.size());
  for (const NodeRef* leaf : section.leaves) {
    const Type& type = (*leaf)->type;
    mixer.add(static_cast<uint64_t>(type.dtype) << 32 | type.rank());
    for (const Dim& dim : type.shape) add_dim(mixer, dim);
  }
  for (PendingCall* call : section.calls) {
    mixer.add(call->op);
    if (!call->attributes.empty()) mixer.add(attributes_key(*call));
    // Calls that can fail while they run name their layer, which is then a part of the plan.
    if (call->op->is_opaque && !call->label.empty()) mixer.add(std::string_view(call->label));
    mixer.add(call->inputs.size());
    for (const NodeRef& input : call->inputs) mixer.add(place(section, *input));
  }
  for (const NodeRef* output : outputs) mixer.add(place(section, **output));
  return mixer.finish();
}

std::shared_ptr<const Executable> make_plan(const Graph& graph, CompileOptions options) {
  return compile(graph, core_ops(), std::move(options));
}

}  // namespace tenon::detail
