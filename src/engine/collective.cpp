// SPDX-License-Identifier: Apache-2.0
#include "engine/collective.hpp"

#include <new>
#include <opencv2/core.hpp>

namespace tessera {

void collective_pixel_work(Communicator& comm, const std::function<void()>& work) {
  collective_try(comm, [&] {
    try {
      work();
    } catch (const cv::Exception& error) {
      if (error.code == cv::Error::StsNoMem) {
        throw std::bad_alloc();
      }
      throw;
    }
  });
}

}  // namespace tessera
