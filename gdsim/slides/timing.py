"""The timing of a video on a slide: it plays automatically, muted, and repeats.

The order of the elements is that of ECMA-376, part 1, 19.5; their selection is what PowerPoint itself writes: a command
to play in the main sequence of the slide, the video, and an interactive sequence in which a click pauses it.
"""

from __future__ import annotations

from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls

NOW = '<p:stCondLst><p:cond delay="0"/></p:stCondLst>'

TIMING = """
<p:timing {namespaces}><p:tnLst><p:par>
 <p:cTn id="1" dur="indefinite" restart="never" nodeType="tmRoot"><p:childTnLst>
  <p:seq concurrent="1" nextAc="seek">
   <p:cTn id="2" dur="indefinite" nodeType="mainSeq"><p:childTnLst>
    <p:par><p:cTn id="3" fill="hold">
     <p:stCondLst>
      <p:cond delay="indefinite"/><p:cond evt="onBegin" delay="0"><p:tn val="2"/></p:cond>
     </p:stCondLst>
     <p:childTnLst><p:par><p:cTn id="4" fill="hold">{now}<p:childTnLst>
      <p:par>
       <p:cTn id="5" presetID="1" presetClass="mediacall" presetSubtype="0" fill="hold" nodeType="afterEffect">
        {now}
        <p:childTnLst><p:cmd type="call" cmd="playFrom(0.0)"><p:cBhvr>
         <p:cTn id="6" dur="{length}" fill="hold"/><p:tgtEl>{shape}</p:tgtEl>
        </p:cBhvr></p:cmd></p:childTnLst>
       </p:cTn>
      </p:par>
     </p:childTnLst></p:cTn></p:par></p:childTnLst>
    </p:cTn></p:par>
   </p:childTnLst></p:cTn>
   <p:prevCondLst><p:cond evt="onPrev" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:prevCondLst>
   <p:nextCondLst><p:cond evt="onNext" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:nextCondLst>
  </p:seq>
  <p:video><p:cMediaNode vol="80000" mute="1">
   <p:cTn id="7"{repeat} fill="hold" display="0">
    <p:stCondLst><p:cond delay="indefinite"/></p:stCondLst>
   </p:cTn>
   <p:tgtEl>{shape}</p:tgtEl>
  </p:cMediaNode></p:video>
  <p:seq concurrent="1" nextAc="seek">
   <p:cTn id="8" restart="whenNotActive" fill="hold" evtFilter="cancelBubble" nodeType="interactiveSeq">
    <p:stCondLst><p:cond evt="onClick" delay="0"><p:tgtEl>{shape}</p:tgtEl></p:cond></p:stCondLst>
    <p:endSync evt="end" delay="0"><p:rtn val="all"/></p:endSync>
    <p:childTnLst><p:par><p:cTn id="9" fill="hold">{now}<p:childTnLst>
     <p:par><p:cTn id="10" fill="hold">{now}<p:childTnLst>
      <p:par>
       <p:cTn id="11" presetID="2" presetClass="mediacall" presetSubtype="0" fill="hold" nodeType="clickEffect">
        {now}
        <p:childTnLst><p:cmd type="call" cmd="togglePause"><p:cBhvr>
         <p:cTn id="12" dur="1" fill="hold"/><p:tgtEl>{shape}</p:tgtEl>
        </p:cBhvr></p:cmd></p:childTnLst>
       </p:cTn>
      </p:par>
     </p:childTnLst></p:cTn></p:par>
    </p:childTnLst></p:cTn></p:par></p:childTnLst>
   </p:cTn>
   <p:nextCondLst><p:cond evt="onClick" delay="0"><p:tgtEl>{shape}</p:tgtEl></p:cond></p:nextCondLst>
  </p:seq>
 </p:childTnLst></p:cTn>
</p:par></p:tnLst></p:timing>
"""


def autoplay(shape: int, *, seconds: float | None, loop: bool) -> Any:
    """Return the `p:timing` element of a slide with one video.

    Args:
        shape: The id of the video's shape.
        seconds: The length of the video; None if it is not known.
        loop: Whether it repeats.
    """
    return parse_xml(
        TIMING.format(
            namespaces=nsdecls("p"),
            now=NOW,
            shape=f'<p:spTgt spid="{shape}"/>',
            length="indefinite" if seconds is None else max(1, round(1000 * seconds)),
            repeat=' repeatCount="indefinite"' if loop else "",
        )
    )
