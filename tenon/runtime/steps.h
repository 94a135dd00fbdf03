// The instructions of an instance: generated kernels, library kernels, copies and control flow.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tenon/runtime/instance.h"

namespace tenon {

/// A generated kernel; its parallel loop is split into chunks for the thread pool.
class GeneratedStep : public Step {
 public:
  GeneratedStep(std::shared_ptr<const CompiledKernel> kernel, std::vector<Location> operands,
                std::vector<int64_t> symbols, double work);
  void run(std::byte* const* bases) const override;
  std::string describe() const override;

 private:
  std::shared_ptr<const CompiledKernel> kernel_;
  std::vector<Location> operands_;
  std::vector<int64_t> symbols_;
  int64_t iterations_;
  int64_t chunk_;
};

class LibraryStep : public Step {
 public:
  LibraryStep(ChosenKernel chosen, std::vector<Location> inputs, std::vector<Location> outputs,
              Location scratch);
  void run(std::byte* const* bases) const override;
  std::string describe() const override;

 private:
  ChosenKernel chosen_;
  std::vector<Location> inputs_, outputs_;
  Location scratch_;
};

class CopyStep : public Step {
 public:
  CopyStep(Location from, Location to, int64_t size) : from_(from), to_(to), bytes_(size) {
    bytes = 2 * static_cast<double>(size);
  }
  void run(std::byte* const* bases) const override;
  std::string describe() const override { return "copy"; }

 private:
  Location from_, to_;
  int64_t bytes_;
};

/// Runs one of two regions.
class CondStep : public Step {
 public:
  CondStep(const Instance& then, const Instance& otherwise, std::vector<Location> inputs,
           std::vector<Location> outputs, Location arena);
  void run(std::byte* const* bases) const override;
  std::string describe() const override { return "cond"; }

 private:
  const Instance& then_;
  const Instance& otherwise_;
  std::vector<Location> inputs_, outputs_;  // inputs_[0] is the predicate
  Location arena_;
};

/// Runs a region while another one returns true. The state is double-buffered.
class WhileStep : public Step {
 public:
  /// `inputs` are constants, then the initial states.
  WhileStep(const Instance& condition, const Instance& body, std::vector<Location> inputs,
            std::vector<Location> outputs, std::vector<Location> other, Location flag,
            Location arena);
  void run(std::byte* const* bases) const override;
  std::string describe() const override { return "while"; }

 private:
  const Instance& condition_;
  const Instance& body_;
  std::vector<Location> inputs_, outputs_, other_;
  Location flag_, arena_;
};

/// Runs a region once for each element along axis 0.
class ScanStep : public Step {
 public:
  struct Layout {
    size_t constants = 0;
    size_t carries = 0;
    int64_t length = 0;
    bool reverse = false;
    /// For each carry, the stacked result that is the same value, whose slice then serves as the
    /// carry, or -1.
    std::vector<int> stacked;
  };
  ScanStep(const Instance& body, Layout layout, std::vector<Location> inputs,
           std::vector<Location> outputs, std::vector<Location> other, Location arena);
  void run(std::byte* const* bases) const override;
  std::string describe() const override;

 private:
  const Instance& body_;
  Layout layout_;
  std::vector<Location> inputs_, outputs_, other_;
  Location arena_;
};

}  // namespace tenon
