#include "tenon/runtime/cpu/long_matmul.h"

#include <algorithm>

#include "tenon/base/alignment.h"
#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/packed_product.h"

namespace tenon {

namespace {

constexpr int64_t kBlock = int64_t{1} << 18;

class LongMatmul : public OpKernel {
 public:
  LongMatmul(const MatmulProblem& problem, std::unique_ptr<OpKernel> block,
             std::unique_ptr<OpKernel> last)
      : problem_(problem), block_(std::move(block)), last_(std::move(last)) {
    parts_ = (problem.k + kBlock - 1) / kBlock;
    results_ = element_count(problem.batch) * problem.m * problem.n;
  }

  int64_t scratch_bytes() const override {
    return part_bytes() * parts_ + std::max(block_->scratch_bytes(), last_->scratch_bytes());
  }
  double flops() const override { return static_cast<double>(parts_) * block_->flops(); }
  std::string description() const override {
    return block_->description() + " in blocks of a long inner axis";
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    auto* partial = static_cast<char*>(scratch);
    const auto element = static_cast<int64_t>(size_of(problem_.dtype));
    for (int64_t part = 0; part < parts_; ++part) {
      const int64_t first = part * kBlock * element;
      void* operands[] = {static_cast<char*>(inputs[0]) + first * problem_.lhs.column,
                          static_cast<char*>(inputs[1]) + first * problem_.rhs.row};
      void* results[] = {partial + part * part_bytes()};
      const OpKernel& kernel = part + 1 < parts_ ? *block_ : *last_;
      kernel.run(operands, results, partial + parts_ * part_bytes());
    }
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
  int64_t parts_ = 0, results_ = 0;
};

}  // namespace

std::unique_ptr<OpKernel> make_product(const MatmulProblem& problem, std::string& why_not) {
  if (problem.k <= kBlock) {
    auto packed = make_packed_product(problem, why_not);
    return packed ? std::move(packed) : make_matmul(problem, why_not);
  }
  MatmulProblem part = problem;
  part.k = kBlock;
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
