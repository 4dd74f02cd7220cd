"""Examples of PEP 440 and PEP 503: orders, spellings, specifiers, names. C++ reads the same file (plugins/pypi/vectors_test.cc)."""

visibility("//tests/wheels/...")

# Each line from the oldest to the newest.
ASCENDING = """
0.9 0.9.1 0.9.2 0.9.10 0.9.11 1.0 1.0.1 1.1 2.0 2.0.1
2012.1 2012.2 2012.3 2012.15 2013.1 2013.2
0.9 1.0a1 1.0a2 1.0b1 1.0rc1 1.0 1.1a1
0.9 1.0.dev1 1.0.dev2 1.0.dev3 1.0.dev4 1.0c1 1.0c2 1.0 1.0.post1 1.1.dev1
1.0 1.1 2.0 2013.10 2014.04 1!1.0 1!1.1 1!2.0
1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456 1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1
"""

# Each line one version in several spellings.
SAME = """
1.1 1.1.0 1.1.0.0
1.1RC1 1.1rc1
00 0
09000 9000
1.1.a1 1.1-a1 1.1_a1 1.1a1 1.1a.1 1.1a-1 1.1alpha1
1.1b2 1.1beta2
1.1rc3 1.1c3 1.1pre3 1.1preview3
1.2a 1.2a0
1.2.post2 1.2-post2 1.2post2 1.2_post2 1.2.post-2
1.0.post4 1.0-r4 1.0.rev4
1.2.post0 1.2.post
1.0.post1 1.0-1
1.2.dev2 1.2-dev2 1.2dev2 1.2_dev2
1.2.dev0 1.2.dev
1.0+ubuntu.1 1.0+ubuntu-1 1.0+ubuntu_1
v1.0 1.0
"""

# Version, specifiers, yes or no.
SPECIFIERS = """
1.1.post1 ==1.1 no
1.1.post1 ==1.1.post1 yes
1.1.post1 ==1.1.* yes
1.1a1 ==1.1 no
1.1a1 ==1.1a1 yes
1.1a1 ==1.1.* yes
1.1 ==1.1 yes
1.1 ==1.1.0 yes
1.1 ==1.1.dev1 no
1.1 ==1.1a1 no
1.1 ==1.1.post1 no
1.1 ==1.1.* yes
1.1.post1 !=1.1 yes
1.1.post1 !=1.1.post1 no
1.1.post1 !=1.1.* no
2.2 ~=2.2 yes
2.9 ~=2.2 yes
3.0 ~=2.2 no
2.1 ~=2.2 no
1.4.5 ~=1.4.5 yes
1.4.9 ~=1.4.5 yes
1.5.0 ~=1.4.5 no
2.2 ~=2.2.post3 no
2.2.post3 ~=2.2.post3 yes
2.3 ~=2.2.post3 yes
1.4.5a3 ~=1.4.5a4 no
1.4.5a4 ~=1.4.5a4 yes
1.4.6 ~=1.4.5a4 yes
1.5 ~=1.4.5a4 no
2.2.9 ~=2.2.0 yes
2.3 ~=2.2.0 no
1.4.5.3 ~=1.4.5.0 yes
1.4.6 ~=1.4.5.0 no
1.7.1 >1.7 yes
1.7.0.post1 >1.7 no
1.7.1 >1.7.post2 yes
1.7.0.post3 >1.7.post2 yes
1.7.0 >1.7.post2 no
3.1.4 ~=3.1 yes
3.2 ~=3.1 yes
3.2 ~=3.1.2 no
3.1 ~=3.1a1 yes
3.1.3 ~=3.1.0,!=3.1.3 no
3.1.4 ~=3.1.0,!=3.1.3 yes
0.9 ~=0.9,>=1.0,!=1.3.4.*,<2.0 no
1.2 ~=0.9 no
1.3.4.1 >=1.0,!=1.3.4.*,<2.0 no
1.3.5 >=1.0,!=1.3.4.*,<2.0 yes
2.0rc1 <2.0 no
2.0rc1 <2.0rc2 yes
1.0+local ==1.0 yes
1.0+local ==1.0+other no
1!1.0 >=2014.04 yes
"""

# Name, normalised name.
NAMES = """
friendly-bard friendly-bard
Friendly-Bard friendly-bard
FRIENDLY-BARD friendly-bard
friendly.bard friendly-bard
friendly_bard friendly-bard
friendly--bard friendly-bard
FrIeNdLy-._.-bArD friendly-bard
"""
