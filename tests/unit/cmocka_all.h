/* cmocka needs these four before it, in this order. */
#ifndef MAKMAL_TESTS_CMOCKA_ALL_H
#define MAKMAL_TESTS_CMOCKA_ALL_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#endif
