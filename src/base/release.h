// Makes std::unique_ptr free what a C library gave: std::unique_ptr<X509, Release<X509_free>>.
#pragma once

namespace ahoy {

template <auto release>
struct Release {
    template <class T>
    void operator()(T* pointer) const {
        release(pointer);
    }
};

}  // namespace ahoy
