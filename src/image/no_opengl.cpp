// SPDX-License-Identifier: Apache-2.0
// OpenCV's core asks libGLX for OpenGL where it is told to draw with it, which nobody does here. Linked for
// real, libGLX brings X11 and ten thousand relocations to every start. Hidden, so that a program that does
// draw with OpenGL (Qt) never finds these.
extern "C" {
__attribute__((visibility("hidden"))) void* glXGetProcAddressARB(const unsigned char* /*name*/) {
  return nullptr;
}
__attribute__((visibility("hidden"))) void* glXGetCurrentContext() { return nullptr; }
__attribute__((visibility("hidden"))) void* glXGetCurrentDisplay() { return nullptr; }
}
