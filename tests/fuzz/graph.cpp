// Any text at all must give a graph that prints and parses back to itself, or a tenon::Error. A
// graph is then bound to sizes and compiled, and where that asks for little, run as the interpreter
// does.

#include <algorithm>

#include "tenon/base/parallel.h"
#include "tenon/graph/bind.h"
#include "tenon/graph/text.h"
#include "tenon/graph/verify.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/executable.h"
#include "tests/fuzz/parser.h"

namespace tenon {
namespace {

constexpr size_t kMostNodes = 24;
constexpr int64_t kMostElements = 1 << 10;

using Shapes = std::vector<std::vector<int64_t>>;

/// The shapes of the inputs where every symbol is `size` or what its bounds ask for.
Shapes input_shapes(const Graph& graph, int64_t size) {
  SymbolValues symbols;
  for (const std::string& name : graph.symbols()) {
    symbols[name] = size++;
    auto bounds = graph.symbol_bounds().find(name);
    if (bounds != graph.symbol_bounds().end()) symbols[name] = bounds->second.low;
  }
  Shapes shapes;
  for (const Type& type : graph.input_types()) shapes.push_back(type.shape.evaluate(symbols));
  return shapes;
}

/// What can be computed in no time: few elements, and no loop that may go on for ever.
bool is_small(const Graph& graph, const SymbolValues& symbols) {
  int64_t count = 0;
  auto add = [&](const Type& type) {
    for (int64_t size : type.shape.evaluate(symbols)) {
      if (size < 0 || size > kMostElements) return false;
    }
    count += element_count(type.shape.evaluate(symbols));
    return count <= kMostElements;
  };
  if (graph.node_count() > kMostNodes) return false;
  for (uint32_t i = 0; i < graph.value_count(); ++i) {
    if (!add(graph.type(ValueId{i}))) return false;
  }
  for (const Node& node : graph.nodes()) {
    if (node.op->name == "while" || node.op->is_opaque || node.op->is_random) return false;
    for (const auto& [name, attribute] : node.attributes) {
      if (auto* integers = attribute.get_if<Integers>()) {
        // Windows and the like are looked through one by one.
        for (int64_t value : *integers) {
          if (value > kMostElements) return false;
        }
      }
      if (auto* region = attribute.get_if<GraphRef>()) {
        if (!is_small(**region, symbols)) return false;
      }
    }
  }
  return true;
}

std::vector<Literal> small_inputs(const Graph& graph, const Shapes& shapes) {
  std::vector<Literal> inputs;
  for (size_t i = 0; i < shapes.size(); ++i) {
    Literal& input = inputs.emplace_back(graph.input_types()[i].dtype, shapes[i]);
    for (int64_t j = 0; j < input.size(); ++j) input.set_int(j, (j * 7 + 3) % 5);
  }
  return inputs;
}

bool is_exact(const Graph& graph) {
  return std::ranges::all_of(graph.nodes(), [&](const Node& node) {
    return std::ranges::none_of(node.outputs,
                                [&](ValueId id) { return is_floating(graph.type(id).dtype); }) &&
           std::ranges::none_of(node.attributes, [](const auto& entry) {
             return entry.second.kind() == AttributeKind::graph;
           });
  });
}

/// Every other input is bound.
void run(const Graph& graph, const Executable& executable, const Shapes& shapes) {
  std::vector<Literal> inputs = small_inputs(graph, shapes);
  BoundInputs bound;
  std::vector<Buffer> buffers, left;
  for (const Literal& input : inputs) {
    buffers.push_back(Buffer::copy_of(input));
    if (buffers.size() % 2 == 0) {
      bound.emplace(buffers.size() - 1, Buffer::copy_of(input));
    } else {
      left.push_back(Buffer::copy_of(input));
    }
  }
  std::vector<Buffer> outputs = executable.run(std::move(buffers));
  const std::vector<Buffer> again = executable.bind_inputs(bound)->run(std::move(left));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (is_exact(graph) && outputs[i].to_literal() != again[i].to_literal()) std::abort();
  }
  std::vector<Literal> wanted = interpret(graph, inputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].dtype() != wanted[i].dtype() || outputs[i].shape() != wanted[i].shape())
      std::abort();
    // Sums of fractions depend on their order.
    if (is_exact(graph) && outputs[i].to_literal() != wanted[i]) std::abort();
  }
}

void compile_and_run(const Graph& graph) {
  if (graph.node_count() > kMostNodes) return;
  auto executable = compile(graph, core_ops(), {.memory_limit = 1 << 24});
  for (int64_t size : {2, 5}) {
    Shapes shapes = input_shapes(graph, size);
    SymbolValues symbols = bind_symbols(graph, shapes);
    executable->prepare(shapes);
    if (is_small(graph, symbols)) run(graph, *executable, shapes);
  }
}

}  // namespace
}  // namespace tenon

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tenon::set_thread_count(1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tenon::fuzz_parser(data, size, [](auto bytes, auto) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    auto graph = tenon::parse_graph(text, tenon::core_ops());
    tenon::verify(*graph);
    std::string printed = tenon::to_text(*graph);
    if (tenon::to_text(*tenon::parse_graph(printed, tenon::core_ops(),
                                           tenon::long_literals(*graph))) != printed)
      std::abort();
    tenon::compile_and_run(*graph);
  });
}
