#include "tenon/runtime/cpu/long_matmul.h"

#include <algorithm>

#include "tenon/base/alignment.h"
#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/packed_product.h"

namespace tenon {

namespace {

constexpr int64_t kBlock = int64_t{1} << 18;
/// Of so many results and more a block is itself cut into parts for several threads; of fewer the
/// blocks are done side by side, in so many groups.
constexpr int64_t kManyResults = 4096, kMostGroups = 16;

class LongMatmul : public OpKernel {
 public:
  LongMatmul(const MatmulProblem& problem, std::unique_ptr<OpKernel> block,
             std::unique_ptr<OpKernel> last)
      : problem_(problem), block_(std::move(block)), last_(std::move(last)) {
    parts_ = (problem.k + kBlock - 1) / kBlock;
    results_ = element_count(problem.batch) * problem.m * problem.n;
    groups_ = results_ < kManyResults ? std::min(parts_, kMostGroups) : 1;
  }

  int64_t scratch_bytes() const override { return part_bytes() * parts_ + group_bytes() * groups_; }
  double flops() const override { return static_cast<double>(parts_) * block_->flops(); }
  std::string description() const override {
    return block_->description() + " in blocks of a long inner axis";
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    auto* partial = static_cast<char*>(scratch);
    parallel_for(groups_, 1, [&](int64_t first, int64_t last) {
      for (int64_t group = first; group < last; ++group) {
        char* own = partial + parts_ * part_bytes() + group * group_bytes();
        for (int64_t part = parts_ * group / groups_; part < parts_ * (group + 1) / groups_; ++part)
          multiply(inputs, part, partial + part * part_bytes(), own);
      }
    });
    with_element_type(problem_.dtype, [&]<class T>(T) {
      parallel_for(results_, 4096, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          static_cast<T*>(outputs[0])[place(i)] = narrow<T>(sum_of<T>(partial, i));
      });
    });
  }

 private:
  int64_t part_bytes() const {
    return static_cast<int64_t>(
        round_up(static_cast<size_t>(results_) * size_of(problem_.dtype), kBufferAlignment));
  }

  /// Of the library for one block at a time.
  int64_t group_bytes() const {
    const int64_t bytes = std::max(block_->scratch_bytes(), last_->scratch_bytes());
    return static_cast<int64_t>(round_up(static_cast<size_t>(bytes), kBufferAlignment));
  }

  void multiply(void* const* inputs, int64_t part, void* result, void* scratch) const {
    const int64_t first = part * kBlock * static_cast<int64_t>(size_of(problem_.dtype));
    void* operands[] = {static_cast<char*>(inputs[0]) + first * problem_.lhs.column,
                        static_cast<char*>(inputs[1]) + first * problem_.rhs.row};
    const OpKernel& kernel = part + 1 < parts_ ? *block_ : *last_;
    kernel.run(operands, &result, scratch);
  }

  template <class T>
  double sum_of(const char* partial, int64_t i) const {
    double sum = 0;
    for (int64_t part = 0; part < parts_; ++part)
      sum +=
          static_cast<double>(widen(reinterpret_cast<const T*>(partial + part * part_bytes())[i]));
    return sum;
  }

  /// Of result i, counted in row-major order, in the output.
  int64_t place(int64_t i) const {
    int64_t at = i % problem_.n * problem_.out.column;
    i /= problem_.n;
    at += i % problem_.m * problem_.out.row;
    i /= problem_.m;
    for (size_t d = problem_.batch.size(); d-- > 0; i /= problem_.batch[d])
      at += i % problem_.batch[d] * problem_.out.batch[d];
    return at;
  }

  MatmulProblem problem_;
  std::unique_ptr<OpKernel> block_, last_;
  int64_t parts_ = 0, results_ = 0, groups_ = 1;
};

}  // namespace

std::unique_ptr<OpKernel> make_product(const MatmulProblem& problem, std::string& why_not) {
  if (problem.k <= kBlock) {
    auto packed = make_packed_product(problem, why_not);
    return packed ? std::move(packed) : make_matmul(problem, why_not);
  }
  MatmulProblem part = problem;
  part.k = kBlock;
  part.lhs.is_known = part.rhs.is_known = false;  // its parts are read in place
  part.out = {problem.n, 1, {}};
  int64_t step = problem.m * problem.n;
  part.out.batch.resize(problem.batch.size());
  for (size_t d = problem.batch.size(); d-- > 0; step *= problem.batch[d]) part.out.batch[d] = step;
  auto block = make_matmul(part, why_not);
  part.k = (problem.k - 1) % kBlock + 1;
  auto last = make_matmul(part, why_not);
  if (!block || !last) return nullptr;
  return std::make_unique<LongMatmul>(problem, std::move(block), std::move(last));
}

}  // namespace tenon
