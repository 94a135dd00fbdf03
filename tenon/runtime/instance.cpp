#include "tenon/runtime/instance.h"

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/inline_array.h"
#include "tenon/base/profile.h"
#include "tenon/base/strings.h"
#include "tenon/runtime/instance_builder.h"

namespace tenon {

Instance::Instance(const Program& program, const SymbolValues& symbols,
                   const InstanceOptions& options, const KnownValues& known)
    : program_(program) {
  InstanceBuilder(*this, symbols, options, known).build();
}

namespace {

/// Errors, which only library steps throw, name the user's label.
void run_step(const Step& step, std::byte* const* bases) {
  try {
    step.run(bases);
  } catch (Error& error) {
    if (!step.label.empty()) error.note("in {}", step.label);
    throw;
  }
}

}  // namespace

void Instance::run(void* const* inputs, void* const* outputs, std::byte* arena) const {
  InlineArray<std::byte*, 64> table(1 + input_types_.size() + output_types_.size() +
                                    constants_.size());
  std::byte** next = table.data();
  *next++ = arena;
  for (size_t i = 0; i < input_types_.size(); ++i) *next++ = static_cast<std::byte*>(inputs[i]);
  for (size_t i = 0; i < output_types_.size(); ++i) *next++ = static_cast<std::byte*>(outputs[i]);
  for (const Constant& constant : constants_) *next++ = constant.data;
  std::byte* const* bases = table.data();
  if (current_profile() == nullptr) {
    for (const auto& step : steps_) run_step(*step, bases);
    return;
  }
  for (const auto& step : steps_) {
    std::string description = step->describe();
    ProfileSpan span(
        step->label.empty() ? description.substr(0, description.find('\n')) : step->label,
        "kernel");
    span.argument("kernel", description);
    span.argument("bytes", step->bytes);
    span.argument("flops", step->flops);
    run_step(*step, bases);
  }
}

void Instance::pack(void* const* inputs, std::byte* arena) const {
  for (const RepeatedPacking& r : repeated_) r.packing.pack(inputs[r.input], arena + r.offset);
}

std::string Instance::to_string() const {
  std::string text;
  for (const auto& step : steps_) {
    text += fmt::format("{:<32} {:>10}  {}\n", step->label,
                        format_bytes(static_cast<uint64_t>(step->bytes)), step->describe());
  }
  return text;
}

}  // namespace tenon
