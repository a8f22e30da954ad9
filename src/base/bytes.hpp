// SPDX-License-Identifier: Apache-2.0
// A byte buffer that does not pay for zeroing what is about to be overwritten.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace tessera {

template <class T>
struct UninitializedAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
};

/// resize() leaves new bytes uninitialised.
using Bytes = std::vector<std::byte, UninitializedAllocator<std::byte>>;

}  // namespace tessera
