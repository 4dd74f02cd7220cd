// GNU_PROPERTY_X86_ISA_1_NEEDED with a bit that no CPU has: glibc refuses to load the program.

        .section .note.gnu.property, "a"
        .p2align 3
        .long 4
        .long 16
        .long 5
        .asciz "GNU"
        .long 0xc0008002
        .long 4
        .long 0x40000000
        .long 0
        .section .note.GNU-stack, "", @progbits
