// SPDX-License-Identifier: Apache-2.0
// Boost.URL as a library of our own, where Boost is not installed but unpacked: Debian's archive of it cannot be linked into
// shared objects.
#include <boost/url/src.hpp>
