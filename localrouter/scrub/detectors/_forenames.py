"""Forenames that are common somewhere and are hardly anything else. Our own list, folded (lower case, no diacritics).

Left out on purpose: names that are also words (Mark, Grace, Will), places (Victoria, Paris, Jordan) or software (Julia, Ada, Claude).
"""

from __future__ import annotations

from localrouter.scrub.common_words import words

FORENAMES = words(
    """
    aaron abdul abdullah abigail adrian adriana agnes agnieszka ahmed ahmet aiko aisha akira alain alan albert alberto
    alejandra alejandro aleksander aleksandra aleksei alessandra alessandro alexander alexandra alexandre alexei alexey
    alfonso alfred ali alice alicia alison allison amanda amelia amina amit amy ana anastasia anders andrea andreas andrei
    andres andrew andrzej angela angelika anil anita anjali ann anna anne annette annika anthony antoine anton antonia antonio
    arash arjun arnaud arthur arturo ashley astrid audrey aurelie ayse barbara bartosz beatrice beatriz benedikt benjamin
    bernard bernd bernhard bjorn bogdan boris brandon brenda brian bridget bruno bryan camila camille carla carlos carmen
    caroline catarina catherine cecilia cedric celine chantal charles chiara chloe christa christina christine christoph
    christophe christopher cindy claire clara claudia clemens colin concepcion connor cornelia craig cristiano cristina
    cynthia dagmar daniel daniela danielle danuta dariusz darren david deborah deepak denis denise dennis derek diana diego
    dieter dimitri dmitri dmitry dolores dominik dominique donald donna dorothy douglas eduardo edward edwin eileen elena
    eleni elisa elisabeth elizabeth elke ella ellen emilia emilie emily emma emmanuel enrico enrique eric erica erik erika
    ernst esther ethan eugenia eva evelyn fabian fabio farid fatima fatma federica federico felicia felipe felix fernanda
    fernando filip fiona francesca francesco francisco francois francoise franz franziska frederic frederik fritz gabriel
    gabriela gabriele gareth geoffrey gerald gerard gerhard gianluca gilles giorgio giovanni giulia giuseppe gloria gonzalo
    gordon graham gregory greta grzegorz guillaume guillermo gunther gustav gustavo hakan halina hannah hannes hans harold
    haruto hasan hassan hector heidi heike heinrich heinz helen helena helene helga helmut henrik henry herbert hiroshi horst
    howard hugo hussein ian ibrahim ignacio igor ikram ilse imran ines inga ingrid ioannis irene irina isaac isabel isabella
    isabelle ismail ivan ivana jacob jacqueline jacques jaime jakub james jan jana jane janet janine janusz jasmin javier jean
    jeffrey jelena jennifer jens jeremy jerome jerzy jesper jessica joachim joanna joanne joao joaquin joel johan johann
    johanna johannes john johnny jonas jonathan jorge jose josef josefina joseph joshua juan juana judith julian juliana julie
    julien juliette jurgen justyna kamil kamila karen karin karl karolina katarina katarzyna kate katharina katherine kathleen
    kathrin kathryn katja katrin kazuki keith kelly kenji kenneth kerstin kevin khadija khalid kim kimberly klara klaus
    konstantin krishna kristen kristina kristof krzysztof kumar lakshmi lars laura lauren laurence laurent lea leila lena leon
    leonardo leonie leticia liam lina linda lindsay lisa louis louisa louise luca lucas lucia luciana lucie lucy luis luisa
    lukas lukasz lydia maciej magdalena magnus mahmoud mai malgorzata manfred manuel manuela marc marcel marcelo marcin marco
    marcos marcus marek margaret margarita margit maria mariam mariana marianne marie marija mario marion marisol marlene
    marta martha martin martina martine mary mateo mateusz mathias mathieu mathilde matteo matthew matthias maureen maurice
    mauricio maximilian mehmet melanie melissa mercedes michael michaela michal michel michele michelle miguel mikael mikhail
    milan milena min ming miriam mohamed mohammad mohammed monica monika monique muhammad murat mustafa nadia nadine naomi
    natalia natalie natasha nathalie nathan neha nicola nicolas nicole niklas nikolai nikolaos nils nina noah noemi norbert
    olaf oleg olga oliver olivia olivier omar oscar oskar osman otto pablo pamela paola paolo pascale patrice patricia patrick
    patrik paul paula pauline pavel pawel pedro peter petra philip philipp philippe pierre pilar piotr priya rachel radoslaw
    rafael rafal raffaele rahul rainer raj rajesh ralf ramon raquel rebecca reinhard renata renate rene ricardo riccardo
    richard rita robert roberta roberto rodrigo roger roland rolf romain ronald rosalia rosario ruth ryan sabine sabrina
    salvatore samantha samir samuel sandra sanjay sara sarah satoshi scott sebastian sergei sergey sergio shannon sharon
    sheila shirley silke silvia simon simone sofia sofie sonia sonja sophia sophie stefan stefania stefanie stefano steffen
    stephan stephanie stephen steve steven stuart suresh susan susanne suzanne sven svetlana sylvia sylvie szymon takashi
    tamara tanja tatiana teresa thabo theodore theresa thierry thomas thorsten tiago tim timothy tobias tom tomas tomasz
    torsten tracy ulrich ulrike ursula ute uwe valentina valeria valerie vanessa vasile vera veronica veronika vicente victor
    viktor viktoria vincent vincenzo vishal vladimir waldemar walid waltraud werner wiebke wilhelm william wojciech wolfgang
    xavier yasmin yasmine yolanda yosef youssef yuki yulia yusuf yvette yvonne zbigniew zeynep zofia zsofia zuzana
    """
)
