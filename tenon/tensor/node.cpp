#include "tenon/tensor/node.h"

#include <fmt/format.h>

#include "tenon/base/strings.h"

namespace tenon::detail {

namespace {

/// Nodes whose last handle went while a chain is being taken down on this thread.
thread_local std::vector<NodeRef>* orphans = nullptr;

}  // namespace

uint64_t PendingCall::next_serial() {
  static std::atomic<uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed);
}

PendingCall::~PendingCall() {
  if (orphans) {
    for (NodeRef& input : inputs) orphans->push_back(std::move(input));
    return;
  }
  std::vector<NodeRef> mine = std::move(inputs);
  orphans = &mine;
  while (!mine.empty()) {
    NodeRef last = std::move(mine.back());
    mine.pop_back();
    last.reset();
  }
  orphans = nullptr;
}

std::shared_ptr<PendingCall> TensorNode::finish(Buffer result) {
  Lock lock(lock_holder_);
  if (evaluated.load(std::memory_order_relaxed)) return nullptr;
  if (lock.is_abandoned()) new (&buffer) Buffer;  // it may be half written
  buffer = std::move(result);
  evaluated.store(true, std::memory_order_release);
  return std::move(call_);
}

NodeRef evaluated_node(Buffer buffer) {
  auto node = std::make_shared<TensorNode>();
  node->type.dtype = buffer.dtype();
  node->type.shape = Shape::of(buffer.shape());
  node->buffer = std::move(buffer);
  node->evaluated.store(true, std::memory_order_release);
  return node;
}

NodeRef number_node(Number value, DType dtype) {
  NodeRef node = evaluated_node(Buffer::copy_of(Literal::scalar(dtype, value)));
  node->is_number = true;
  node->is_fraction = is_floating(dtype);
  node->number = value.real();
  return node;
}

Number written_number(const TensorNode& node) {
  if (node.is_fraction) return node.number;
  return node.buffer.to_literal().to_int(0);
}

NodeRef absent_node(std::string path, std::string missing, std::vector<std::string> known) {
  auto node = std::make_shared<AbsentNode>();
  node->absent = true;
  node->path = std::move(path);
  node->missing = std::move(missing);
  node->known = std::move(known);
  return node;
}

std::string nearest_path(std::string_view path, std::span<const std::string> known) {
  return known.empty() ? "the tree is empty" : hint(path, known);
}

const NodeRef& require(const Tensor& tensor, std::string_view what) {
  if (tensor.has_value()) return tensor.node();
  if (!tensor.node())
    fail(ErrorCode::invalid_argument, "{}: the tensor has no value (default-constructed)", what);
  const auto& absent = static_cast<const AbsentNode&>(*tensor.node());
  throw make_error(ErrorCode::not_found, "{}: the tree has no tensor '{}'", what, absent.path)
      .note("{}", nearest_path(absent.missing, absent.known));
}

std::string argument_name(std::string_view name, size_t index) {
  return name.empty() ? fmt::format("argument '{}'", index) : fmt::format("argument '{}'", name);
}

std::string describe(const TensorNode& node) {
  if (node.trace != 0) return argument_name(node.name, node.argument);
  if (!node.name.empty()) return node.name;
  std::shared_ptr<PendingCall> call = node.pending();
  return call ? call->label : std::string();
}

}  // namespace tenon::detail
