#include TENON_HEADER
int main() { tenon::print("{}\n", tenon::Tensor{1.0, 2.0}); }
