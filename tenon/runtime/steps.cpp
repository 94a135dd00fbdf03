#include "tenon/runtime/steps.h"

#include <algorithm>
#include <cstring>

#include "tenon/base/inline_array.h"
#include "tenon/base/parallel.h"

namespace tenon {

namespace {

/// Work below which waking another thread costs more than it saves, in bytes moved or their
/// equivalent.
constexpr double kSerialWork = 96 * 1024;
/// A chunk should be worth several times what handing it out costs.
constexpr double kChunkWork = 64 * 1024;

void* resolve(const Location& location, std::byte* const* bases) {
  return bases[location.base] + location.offset;
}

using Pointers = InlineArray<void*, 48>;

Pointers resolve_all(const std::vector<Location>& locations, std::byte* const* bases) {
  return Pointers(locations.size(), [&](size_t i) { return resolve(locations[i], bases); });
}

}  // namespace

GeneratedStep::GeneratedStep(std::shared_ptr<const CompiledKernel> kernel,
                             std::vector<Location> operands, std::vector<int64_t> symbols,
                             double work)
    : kernel_(std::move(kernel)), operands_(std::move(operands)), symbols_(std::move(symbols)) {
  iterations_ = kernel_->iterations(symbols_.data());
  int64_t grain = std::max<int64_t>(1, kernel_->grain());
  chunk_ = std::max<int64_t>(iterations_, 1);
  if (work > kSerialWork && iterations_ > grain) {
    double chunks = std::clamp(work / kChunkWork, 2.0, 64.0);
    auto wanted = static_cast<int64_t>(static_cast<double>(iterations_) / chunks) + 1;
    chunk_ = (wanted + grain - 1) / grain * grain;
  }
}

void GeneratedStep::run(std::byte* const* bases) const {
  Pointers pointers = resolve_all(operands_, bases);
  void* const* table = pointers.data();
  parallel_for(iterations_, chunk_, [&](int64_t begin, int64_t end) {
    kernel_->run(table, symbols_.data(), begin, end);
  });
}

std::string GeneratedStep::describe() const {
  int64_t chunks = chunk_count(iterations_, chunk_);
  return kernel_->name() + (chunks > 1 ? " in " + std::to_string(chunks) + " chunks" : "");
}

LibraryStep::LibraryStep(ChosenKernel chosen, std::vector<Location> inputs,
                         std::vector<Location> outputs, Location scratch)
    : chosen_(std::move(chosen)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      scratch_(scratch) {
  flops = chosen_.kernel->flops();
}

void LibraryStep::run(std::byte* const* bases) const {
  Pointers inputs = resolve_all(inputs_, bases);
  Pointers outputs = resolve_all(outputs_, bases);
  chosen_.kernel->run(inputs.data(), outputs.data(), resolve(scratch_, bases));
}

std::string LibraryStep::describe() const {
  return chosen_.reasons + ": " + chosen_.kernel->description();
}

void CopyStep::run(std::byte* const* bases) const {
  void* from = resolve(from_, bases);
  void* to = resolve(to_, bases);
  if (bytes_ > 0 && from != to) std::memmove(to, from, static_cast<size_t>(bytes_));
}

CondStep::CondStep(const Instance& then, const Instance& otherwise, std::vector<Location> inputs,
                   std::vector<Location> outputs, Location arena)
    : then_(then),
      otherwise_(otherwise),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      arena_(arena) {}

void CondStep::run(std::byte* const* bases) const {
  Pointers inputs = resolve_all(inputs_, bases);
  Pointers outputs = resolve_all(outputs_, bases);
  bool predicate = *static_cast<const bool*>(inputs[0]);
  const Instance& taken = predicate ? then_ : otherwise_;
  taken.run(inputs.data() + 1, outputs.data(), static_cast<std::byte*>(resolve(arena_, bases)));
}

WhileStep::WhileStep(const Instance& condition, const Instance& body, std::vector<Location> inputs,
                     std::vector<Location> outputs, std::vector<Location> other, Location flag,
                     Location arena)
    : condition_(condition),
      body_(body),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      other_(std::move(other)),
      flag_(flag),
      arena_(arena) {}

void WhileStep::run(std::byte* const* bases) const {
  Pointers arguments = resolve_all(inputs_, bases);
  Pointers outputs = resolve_all(outputs_, bases);
  Pointers other = resolve_all(other_, bases);
  auto* arena = static_cast<std::byte*>(resolve(arena_, bases));
  void* flag = resolve(flag_, bases);
  void** states = arguments.end() - outputs.size();
  // The initial states are read where they are; then outputs and the other buffers take turns.
  Pointers* next = &outputs;
  Pointers* last = &other;
  bool in_place = false;
  while (true) {
    condition_.run(arguments.data(), &flag, arena);
    if (!*static_cast<const bool*>(flag)) break;
    body_.run(arguments.data(), next->data(), arena);
    std::copy(next->begin(), next->end(), states);
    in_place = next == &outputs;
    std::swap(next, last);
  }
  if (in_place) return;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int64_t bytes = body_.output_types()[i].bytes();
    if (bytes > 0) std::memcpy(outputs[i], states[i], static_cast<size_t>(bytes));
  }
}

ScanStep::ScanStep(const Instance& body, Layout layout, std::vector<Location> inputs,
                   std::vector<Location> outputs, std::vector<Location> other, Location arena)
    : body_(body),
      layout_(layout),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      other_(std::move(other)),
      arena_(arena) {}

void ScanStep::run(std::byte* const* bases) const {
  Pointers whole_inputs = resolve_all(inputs_, bases);
  Pointers whole_outputs = resolve_all(outputs_, bases);
  Pointers spare = resolve_all(other_, bases);
  auto* arena = static_cast<std::byte*>(resolve(arena_, bases));
  size_t first_carry = layout_.constants;
  size_t first_slice = layout_.constants + layout_.carries;
  Pointers inputs = resolve_all(inputs_, bases);
  Pointers outputs(outputs_.size());
  if (layout_.length > 0) body_.pack(inputs.data(), arena);
  for (int64_t i = 0; i < layout_.length; ++i) {
    int64_t at = layout_.reverse ? layout_.length - 1 - i : i;
    for (size_t x = first_slice; x < inputs_.size(); ++x) {
      inputs[x] = static_cast<std::byte*>(whole_inputs[x]) + at * body_.input_types()[x].bytes();
    }
    for (size_t y = layout_.carries; y < outputs_.size(); ++y) {
      outputs[y] = static_cast<std::byte*>(whole_outputs[y]) + at * body_.output_types()[y].bytes();
    }
    // Carries alternate so that the last step writes the results.
    bool into_result = (layout_.length - 1 - i) % 2 == 0;
    for (size_t c = 0; c < layout_.carries; ++c) {
      int stacked = layout_.stacked[c];
      outputs[c] = stacked >= 0 ? outputs[static_cast<size_t>(stacked)]
                                : (into_result ? whole_outputs[c] : spare[c]);
    }
    body_.run(inputs.data(), outputs.data(), arena);
    for (size_t c = 0; c < layout_.carries; ++c) inputs[first_carry + c] = outputs[c];
  }
  for (size_t c = 0; c < layout_.carries; ++c) {
    if (layout_.length > 0 && layout_.stacked[c] < 0) continue;
    auto bytes = static_cast<size_t>(body_.output_types()[c].bytes());
    if (bytes > 0) std::memcpy(whole_outputs[c], inputs[first_carry + c], bytes);
  }
}

std::string ScanStep::describe() const {
  return "scan of " + std::to_string(layout_.length) + " steps:\n" + body_.to_string();
}

}  // namespace tenon
