// For tests only: what this thread has allocated so far, counted by the operator new of key_index_test.cpp; always 0 under
// ThreadSanitizer, which brings its own.
#pragma once

namespace wye::token {

uint64_t test_allocations();

}  // namespace wye::token
